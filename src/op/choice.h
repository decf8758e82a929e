/* choice.h: what could serve a call, and what does: a kernel variant with a tile. The first choice is the rule's; where
 * a table of the device (vk_caps.tuned) says that another one is faster, that one serves. */
#ifndef OP_CHOICE_H
#define OP_CHOICE_H

#include "op/op.h"

/* By which a call is planned. */
struct op_choice {
    const struct op_variant *variant; /* NULL = none fits */
    struct op_tile tile;
};

enum { OP_MAX_CHOICES = 64, OP_CALL_TEXT = VK_CALL_SIZE, OP_TILE_TEXT = 40 };

/* All choices of a call, the rule's first: of each variant that fits and has not failed on the device, the rule's tile
 * and op_variant.tiles. Some may give equal plans. The same caps and call give the same list. */
uint32_t op_choices(const struct vk_caps *caps, const struct op_call *call, struct op_choice out[OP_MAX_CHOICES]);
/* A number that tells this list from another build's or device's, what has failed on the device left in; on a software
 * device also from that of vectors of another width. */
uint64_t op_choices_key(const struct vk_caps *caps, const struct op_call *call);
/* What serves: the table's row of this call, where its list of choices is still the same and has it; else the rule's.
 */
struct op_choice op_choice_of(const struct vk_caps *caps, const struct op_call *call);
/* Plans by a choice. Errors as op_make_plan. */
enum mien_status op_make_plan_by(const struct vk_caps *caps, const struct op_call *call, struct op_choice choice,
                                 struct op_plan *plan);

/* "matmul trans_b activation=1 : f32[16,37,128] f32[512,128] f32[512] -": what a table knows a call by. False where a
 * call has no such text: mining is part of it, or it is too long. */
bool op_call_text(const struct op_call *call, char text[OP_CALL_TEXT]);
/* The call again, its shapes checked; MIEN_ERR_DATA for other texts. */
enum mien_status op_call_parse(const char *text, struct op_call *out);

/* "8x4" (rows, columns), "8x4/3" (parts of a sum), "0x0/3", or "" for the rule's. */
void op_tile_text(struct op_tile tile, char text[OP_TILE_TEXT]);
bool op_tile_parse(const char *text, struct op_tile *out);

#endif
