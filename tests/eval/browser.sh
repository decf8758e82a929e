# browser.sh: sourced, after expect.sh, by tests that look at pages in headless Chromium, in a directory of their own.

# Ends the test, as skipped, where no Chromium is installed or none shows a page.
need_browser() {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
    if [ -z "$browser" ]; then
        echo "skipped: no chromium is installed"
        exit 77
    fi
    echo '<!doctype html><body>a page' >empty.html
    look empty.html 390 preferredColorScheme=1
    if [ ! -s line ]; then
        echo "skipped: $browser shows no page here: $(tail -n 1 said)"
        exit 77
    fi
}

# look PAGE WIDTH SETTING: what a window of that width shows. In `line`: the widths, what is wider than the window and
# does not scroll in a box of its own, a figure that breaks over two lines, how many files are asked for, how many
# pictures are shown, the lowest contrast of a text to its ground. In `headings`: those that one can see. In `console`:
# what was said there.
look() {
    cat >frame.html <<EOF
<!doctype html><body style="margin:0"><iframe id="f" src="$1" style="border:0;width:$2px;height:800px"></iframe>
<pre id="p"></pre><pre id="h"></pre>
<script>
// A colour as [r, g, b, alpha], and what it looks like over another.
const parts = colour => { const n = colour.match(/[0-9.]+/g).map(Number); return n.length > 3 ? n : [...n, 1] }
const over = (top, below) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * below[i]).concat(1)
const light = c => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const v = c[i] / 255
    return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4) }, 0)
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05) }
document.getElementById("f").onload = event => {
    const view = event.target.contentWindow, page = event.target.contentDocument
    const most = view.innerWidth + 0.5, wider = []
    const style = e => view.getComputedStyle(e)
    let broken = "none", lowest = 99, words = ""
    const scrolls = e => { for (let p = e.parentElement; p; p = p.parentElement)
        if (/auto|scroll|hidden/.test(style(p).overflowX)) return p.getBoundingClientRect().right <= most
        return false }
    const ground = e => { const above = []
        for (; e; e = e.parentElement) above.push(parts(style(e).backgroundColor))
        return above.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]) }
    for (const e of page.querySelectorAll("body *")) {
        const r = e.getBoundingClientRect()
        if ((r.right > most || r.left < -0.5) && !scrolls(e)) wider.push(e.tagName)
        const says = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
        if (says && r.width > 0) {
            const colour = parts(e instanceof view.SVGElement ? style(e).fill : style(e).color), below = ground(e)
            const c = contrast(over(colour, below), below)
            if (c < lowest) { lowest = c; words = e.textContent.trim().slice(0, 20) }
        }
        if (e.children.length || !/^[0-9.]+\$/.test(e.textContent)) continue
        const range = page.createRange()
        range.selectNodeContents(e)
        if (new Set([...range.getClientRects()].map(x => x.top)).size > 1) broken = e.textContent
    }
    const pictures = [...page.images]
    const seen = e => e.getBoundingClientRect().height > 0 && style(e).visibility === "visible"
    document.getElementById("h").textContent = [...page.querySelectorAll("h1, h2, h3")].filter(seen)
        .map(e => e.textContent.replace(/\s+/g, " ").trim()).join("\n")
    document.getElementById("p").textContent = "window " + view.innerWidth + ", page " +
        page.scrollingElement.scrollWidth + ", ground " + style(page.body).backgroundColor + ", wider " +
        (wider.join(" ") || "none") + ", broken " + broken + ", asked for " + view.performance
            .getEntriesByType("resource").filter(x => !x.name.startsWith("data:")).length + ", pictures " +
        pictures.filter(x => x.complete && x.naturalWidth > 0 && x.getBoundingClientRect().width > 8).length + " of " +
        pictures.length + ", contrast " + (lowest >= 4.5 ? "enough" : lowest.toFixed(2) + " of " + words) + "."
}
</script>
EOF
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files \
        --window-size=1400,900 --user-data-dir="$PWD/profile" --enable-logging=stderr --blink-settings="$3" \
        --virtual-time-budget=5000 --dump-dom "file://$PWD/frame.html" >dom 2>said
    sed -n '/<pre id="p">/{s/.*<pre id="p">//;s/<.*//;p}' dom >line
    awk 'sub(/.*<pre id="h">/, "") { on = 1 } on { end = sub(/<\/pre>.*/, ""); gsub(/&amp;/, "\\&"); print }
        end { exit }' dom >headings
    grep 'CONSOLE' said >console || true
}

# looks PAGE PICTURES: the page at 390 and 1280 pixels, light and dark, shows what it should; so many pictures.
looks() {
    local width scheme ground
    for width in 390 1280; do
        for scheme in 1 0; do
            look "$1" $width preferredColorScheme=$scheme
            ground=$([ $scheme = 1 ] && echo 'rgb(255, 255, 255)' || echo 'rgb(20, 23, 26)')
            holds "$width pixels, scheme $scheme: $(cat line)" grep -qFx "window $width, page $width, ground $ground, \
wider none, broken none, asked for 0, pictures $2 of $2, contrast enough." line
            holds "the console is empty: $(head -n 1 console)" [ ! -s console ]
        done
    done
}
