/* mien/mien.h: all of Mien's public headers. */
#ifndef MIEN_MIEN_H
#define MIEN_MIEN_H

#include "mien/bench.h"
#include "mien/check.h"
#include "mien/common.h"
#include "mien/data.h"
#include "mien/eval.h"
#include "mien/gpu.h"
#include "mien/model.h"
#include "mien/ranks.h"
#include "mien/tensor.h"
#include "mien/train.h"
#include "mien/tune.h"

#endif
