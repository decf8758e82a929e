#!/usr/bin/python3
"""Makes probes/: what scikit-learn and numpy say of features, for probes and metrics.

    /usr/bin/python3 probes_reference.py [OUT_DIR]

Needs Debian's python3-sklearn. probes.json:
    width, classes; x [rows][width] (four digits after the point, so that float32 holds what was fitted), truth [rows];
    train: the first so many rows are trained on, the rest tested
    logistic     of C = 0.01, 1, 100: weights [classes][width + 1] (intercept last), objective, predicted [tested rows]
    sweep        the C that is best by mean recall on every fifth sample of each class, from the second on, held back
                 (of equal ones the smallest), and what is then predicted
    few          C = 1 on the first 1, 2, 4 rows of each class: rows, weights, objective, predicted
    binary       the same of two classes (truth 0 against the rest), C = 1
    ridge        values [rows][2], strength (alpha = strength * the mean of the squares of a centred feature's column),
                 weights [2][width + 1]
    agreement    pairs a, b: pcc, ccc, mae, rmse, and pcc_emoclip, ccc_emoclip; null = undefined
    f1           truth, predicted, f1 of binary columns
    recall       truth, predicted, uar, war over three classes, where there are fewer in the truth
"""
import json
import os
import sys
import warnings

import numpy as np
from scipy.stats import pearsonr
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, recall_score

warnings.filterwarnings("error")
WIDTH, CLASSES, ROWS, TRAIN = 8, 4, 280, 80


def make_data(rng):
    truth = rng.choice(CLASSES, ROWS, p=[0.4, 0.3, 0.2, 0.1])
    centres = rng.normal(size=(CLASSES, WIDTH)) * 0.8
    x = np.round(centres[truth] + rng.normal(size=(ROWS, WIDTH)), 4)
    return x.astype(np.float32).astype(np.float64), truth


def fit(x, y, c):
    return LogisticRegression(C=c, tol=1e-10, max_iter=20000).fit(x, y)


def weights_of(model):
    w, b = model.coef_, model.intercept_
    return np.concatenate([w, b[:, None]], 1)


def objective(w, x, y, c):
    z = x @ w[:, :-1].T + w[:, -1]
    m = z.max(1)
    lse = m + np.log(np.exp(z - m[:, None]).sum(1))
    return c * (lse - z[np.arange(len(y)), y]).sum() + (w[:, :-1] ** 2).sum() / 2


def logistic(x, y, c, tested):
    model = fit(x, y, c)
    w = weights_of(model)
    if len(w) == 1:  # scikit-learn has one row for two classes: halves of it, of opposite sign, are the softmax's
        raise ValueError("two classes are done by hand")
    return dict(c=c, weights=w.tolist(), objective=objective(w, x, y, c), predicted=model.predict(tested).tolist())


def sweep(x, y, tested):
    held = np.zeros(len(y), bool)
    for k in range(CLASSES):
        rows = np.flatnonzero(y == k)
        held[rows[1::5]] = True
    best = (-1, None)
    for e in range(-3, 4):
        model = fit(x[~held], y[~held], 10.0 ** e)
        value = recall_score(y[held], model.predict(x[held]), average="macro")
        if value > best[0] + 1e-12:
            best = (value, 10.0 ** e)
    return dict(c=best[1], predicted=fit(x, y, best[1]).predict(tested).tolist())


def binary(x, y, tested):
    """Softmax of two rows with |W|^2 / 2 is the logistic of their difference d with |d|^2 / 4: twice C there."""
    one = (y == 0).astype(int)
    model = fit(x, one, 2.0)
    d = weights_of(model)[0]
    w = np.stack([-d / 2, d / 2])
    return dict(weights=w.tolist(), objective=objective(w, x, one, 1.0), predicted=model.predict(tested).tolist())


def ridge(x, rng):
    values = np.round(x @ rng.normal(size=(WIDTH, 2)) + rng.normal(size=(len(x), 2)) + [3, -40], 3)
    tx, tv = x[:TRAIN], values[:TRAIN]
    scale = ((tx - tx.mean(0)) ** 2).sum() / WIDTH
    held = np.arange(TRAIN) % 5 == 1

    def model_of(rows, strength):
        own = ((tx[rows] - tx[rows].mean(0)) ** 2).sum() / WIDTH
        return Ridge(alpha=strength * own, solver="cholesky").fit(tx[rows], tv[rows])

    best = (np.inf, None)
    for e in range(-4, 3):
        off = ((model_of(~held, 10.0 ** e).predict(tx[held]) - tv[held]) ** 2).sum()
        if off < best[0]:
            best = (off, 10.0 ** e)
    model = model_of(np.ones(TRAIN, bool), best[1])
    assert abs(scale - ((tx - tx.mean(0)) ** 2).sum() / WIDTH) < 1e-9
    return dict(values=np.round(values, 3).tolist(), strength=best[1], weights=weights_of(model).tolist())


def agreement(a, b):
    a, b = np.array(a, float), np.array(b, float)
    flat = a.std() == 0 or b.std() == 0
    pcc = None if flat else pearsonr(a, b)[0]
    ccc = 0 if flat else 2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    da, db = a - a.mean(), b - b.mean()
    emoclip = (da * db).sum() / (np.sqrt((da ** 2).sum() * (db ** 2).sum()) + 1e-5)
    emoclip_ccc = 2 * emoclip * a.std() * b.std() / (a.var() + b.var() + (a.mean() - b.mean()) ** 2 + 1e-5)
    return dict(a=a.tolist(), b=b.tolist(), pcc=pcc, ccc=ccc, mae=np.abs(a - b).mean(),
                rmse=np.sqrt(((a - b) ** 2).mean()), pcc_emoclip=emoclip, ccc_emoclip=emoclip_ccc)


def scores(rng):
    a, b = np.round(rng.normal(size=(2, 12)), 3)
    pairs = [agreement(a, a * 0.5 + b), agreement(a + 1e4, b + 1e4), agreement(a / 512, b / 512),
             agreement([2] * 5, [1, 2, 3, 4, 5]), agreement([1, 2, 3], [7, 7, 7]), agreement([7, 7], [7, 7]),
             agreement([1, 1, 2, 2], [2, 2, 1, 1]), agreement([3, 3, 3, 4], [3, 3, 3, 4])]
    f1 = []
    for truth, said in (([1, 0, 1, 1, 0], [1, 1, 0, 1, 0]), ([1, 0, 0], [0, 0, 0]), ([1, 1, 1], [1, 1, 1])):
        f1.append(dict(truth=truth, predicted=said, f1=f1_score(truth, said, zero_division=0)))
    recall = []
    for truth, said in (([0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 2, 2]), ([0, 0, 2, 2], [1, 0, 2, 2]), ([1], [0])):
        present = sorted(set(truth))
        recall.append(dict(truth=truth, predicted=said, war=accuracy_score(truth, said),
                           uar=recall_score(truth, said, labels=present, average="macro", zero_division=0)))
    return pairs, f1, recall


def main():
    out = os.path.join(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)), "probes")
    rng = np.random.default_rng(5)
    x, y = make_data(rng)
    tx, ty, tested = x[:TRAIN], y[:TRAIN], x[TRAIN:]
    few = []
    for shots in (1, 2, 4):
        rows = np.concatenate([np.flatnonzero(ty == k)[:shots] for k in range(CLASSES)])
        few.append(dict(logistic(tx[rows], ty[rows], 1.0, tested), rows=rows.tolist()))
    pairs, f1, recall = scores(rng)
    golden = dict(width=WIDTH, classes=CLASSES, train=TRAIN, x=np.round(x, 4).tolist(), truth=y.tolist(),
                  logistic=[logistic(tx, ty, c, tested) for c in (0.01, 1.0, 100.0)], sweep=sweep(tx, ty, tested),
                  few=few, binary=binary(tx, ty, tested), ridge=ridge(x, rng), agreement=pairs, f1=f1, recall=recall)

    def short(v):
        if isinstance(v, dict):
            return {k: short(w) for k, w in v.items()}
        if isinstance(v, list):
            return [short(w) for w in v]
        return float("%.10g" % v) if isinstance(v, float) else v

    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "probes.json"), "w") as f:
        json.dump(short(golden), f, separators=(",", ":"))
        f.write("\n")


main()
