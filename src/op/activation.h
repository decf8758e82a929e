/* activation.h: the definitions of the activations, for references. */
#ifndef OP_ACTIVATION_H
#define OP_ACTIVATION_H

#include "op/op.h"

double op_activation_value(enum op_activation kind, double x);
double op_activation_slope(enum op_activation kind, double x); /* dy/dx; relu: 0 at 0 */

#endif
