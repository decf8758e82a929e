/* Drawings for Graphviz: every line is a statement, every edge joins what is drawn, names of any kind stay inside their
 * quotes; and dot itself, where it is installed, takes them. */
#include "clip_graph.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

static struct graph *new_graph(void)
{
    struct graph *g = NULL;
    CHECK_EQ(graph_create(&g), MIEN_OK);
    return g;
}

static op_value add(struct graph *g, op_value a, op_value b)
{
    return GRAPH_OP(g, &op_add, NULL, a, b);
}

/* A drawing as text, a line per line. */
struct drawing {
    char *text;
    size_t used, lines;
};

enum { MOST = 1 << 20 };

static void keep(void *user, const char *line)
{
    struct drawing *d = user;
    CHECK(strchr(line, '\n') == NULL);
    CHECK(d->used + strlen(line) + 2 < MOST);
    d->used += (size_t)snprintf(d->text + d->used, MOST - d->used, "%s\n", line);
    d->lines++;
}

static struct drawing empty(void)
{
    return (struct drawing){.text = base_alloc(MOST, 1)};
}

/* Past a quoted string, or NULL when it does not end on this line. */
static const char *past_quotes(const char *at)
{
    for (at++; *at && *at != '\n'; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '"')
            return at + 1;
    }
    return NULL;
}

/* Braces nest, quotes end, a line ends with a bracket or a semicolon. */
static bool well_formed(const char *text)
{
    int depth = 0;
    char last = 0;
    for (const char *at = text; *at;) {
        if (*at == '"') {
            at = past_quotes(at);
            if (!at)
                return false;
            last = '"';
            continue;
        }
        depth += (*at == '{') - (*at == '}');
        if (depth < 0 || (*at == '\n' && last != ';' && last != '{' && last != '}'))
            return false;
        if (!isspace((unsigned char)*at))
            last = *at;
        at++;
    }
    return depth == 0;
}

/* Whether a statement "  id [" is in the text. */
static bool declared(const char *text, const char *id, size_t length)
{
    char want[40];
    snprintf(want, sizeof(want), "  %.*s [", (int)length, id);
    return strstr(text, want) != NULL;
}

static size_t id_length(const char *at)
{
    size_t length = 0;
    while (isalnum((unsigned char)at[length]))
        length++;
    return length;
}

/* Both ends of every edge are declared; returns how many there are. */
static uint32_t check_edges(const char *text)
{
    uint32_t count = 0;
    for (const char *line = text; line; line = strchr(line + 1, '\n')) {
        const char *from = line + strspn(line, "\n "), *arrow = from + id_length(from);
        if (strncmp(arrow, " -> ", 4) != 0)
            continue;
        count++;
        CHECK(declared(text, from, (size_t)(arrow - from)));
        CHECK(declared(text, arrow + 4, id_length(arrow + 4)));
    }
    return count;
}

/* Graphviz's own opinion. */
static void ask_dot(const struct drawing *d)
{
    char path[64] = "/tmp/mien-dot-XXXXXX", command[160];
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, d->text, d->used) == (ssize_t)d->used);
    close(file);
    snprintf(command, sizeof(command), "dot -V >/dev/null 2>&1 || exit 0; dot -Tcanon %s >/dev/null", path);
    CHECK_EQ(system(command), 0);
    unlink(path);
}

static uint32_t check_drawing(const struct drawing *d)
{
    CHECK(strncmp(d->text, "digraph \"", 9) == 0);
    CHECK(well_formed(d->text));
    ask_dot(d);
    return check_edges(d->text);
}

/* ---- a small graph whose drawing is known ---- */

static void test_graph(void)
{
    struct drawing d = empty();
    struct graph *g = new_graph();
    graph_push(g, "a \"quoted\" \\ label; -- {");
    op_value x = graph_input(g, "x\"y", SHAPE_F32(2, 64)), sum = add(g, x, x);
    const op_value parts[] = {sum, graph_view(g, add(g, sum, x), SHAPE_F32(128), 0)};
    op_value join = graph_join(g, (const op_value[]){add(g, x, sum), parts[0]}, 2, SHAPE_F32(4, 64));
    graph_output(g, join);
    graph_output(g, parts[1]);
    graph_pop(g);
    graph_dot(g, keep, &d);
    /* x+x 2, sum+x 2, x+sum 2, two parts, outputs 2 */
    CHECK_EQ(check_drawing(&d), 10);
    CHECK(strstr(d.text, "a \\\"quoted\\\" \\\\ label; -- {") != NULL);
    CHECK(strstr(d.text, "[shape=ellipse, label=\"input x\\\"y\\nf32[2,64]\"];") != NULL);
    CHECK(strstr(d.text, "label=\"f32[128]\", style=dashed];") != NULL);
    base_free(d.text);
    graph_destroy(&g);
}

/* ---- a training step: the graph, and its plan without a device ---- */

static op_value bind_planned(void *user, struct graph *graph, const struct clip_param *param)
{
    (void)user;
    return graph_bound_planned(graph, param->name, param->shape);
}

static void test_plan(void)
{
    struct drawing d = empty(), p = empty();
    struct clip c = {.graph = new_graph(), .bind = bind_planned};
    struct graph_compile_params params = {.dump = keep, .dump_user = &p, .dump_dot = true, .label = "a \"step\""};
    struct graph_program_stats stats;
    struct vk_caps caps;
    op_value of[MAX_PARAMS], grads[MAX_PARAMS];
    clip_record(&c);
    for (uint32_t i = 0; i < c.count; i++)
        of[i] = c.param[i].value;
    CHECK_EQ(graph_backward(c.graph, c.loss, of, c.count, grads), MIEN_OK);
    for (uint32_t i = 0; i < c.count; i++)
        graph_output(c.graph, grads[i]);
    graph_dot(c.graph, keep, &d);
    CHECK(check_drawing(&d) > 200);
    vk_caps_typical(VK_CLASS_SOFTWARE, &caps);
    CHECK_EQ(graph_plan(c.graph, &caps, &params, &stats), MIEN_OK);
    CHECK(check_drawing(&p) > 3 * stats.nodes);
    uint32_t steps = 0;
    for (const char *at = strstr(p.text, "\n  s"); at; at = strstr(at + 1, "\n  s"))
        steps += isdigit((unsigned char)at[4]) && strncmp(at + 4 + id_length(at + 4), " [", 2) == 0;
    CHECK_EQ(steps, stats.nodes);
    CHECK(strstr(p.text, "digraph \"a \\\"step\\\"\" {") != NULL);
    CHECK(strstr(p.text, "subgraph cluster_slab0 {") != NULL);
    base_free(d.text);
    base_free(p.text);
    graph_destroy(&c.graph);
}

int main(void)
{
    test_graph();
    test_plan();
    return check_result();
}
