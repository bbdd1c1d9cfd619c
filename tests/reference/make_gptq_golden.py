"""GPTQ by NumPy in f64, as its paper has it (Frantar et al. 2022, arXiv:2210.17323, algorithm 1): columns in order, the
upper Cholesky factor of the inverse Hessian, the error of a column taken out of all later ones.

The scale of a group of 32 is found when its first column is reached, by the error that GPTQ minimises: the quadratic form
of the columns up to the group's end with all later ones free (a Schur complement of the Hessian). This shares nothing
with src/models/gptq.cc but the definition. Run: python tests/reference/make_gptq_golden.py
"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

GROUP = 32
DIVISORS = (-8.0, -9.0, -8.5, -7.5, -7.0, -6.5, -6.0, 7.0)
FILE = pathlib.Path(__file__).resolve().parents[1] / "golden" / "gptq.safetensors"


def half(x):
    return np.float64(np.float16(np.float32(x)))


def run_group(w, factor, scale, low, high):
    """Rounds the columns of one group of a row; gives q and the error."""
    w, q, error = w.copy(), np.zeros(len(w)), 0.0
    for k in range(len(w)):
        q[k] = 0 if scale == 0 else np.clip(np.rint(w[k] / scale), low, high)
        rest = (w[k] - scale * q[k]) / factor[k, k]
        error += rest * rest
        w[k:] -= rest * factor[k, k:]
    return q, error


def schur(hessian, end):
    """The Hessian of the first `end` columns when all others are free."""
    if end == len(hessian):
        return hessian
    a, b, c = hessian[:end, :end], hessian[:end, end:], hessian[end:, end:]
    return a - b @ np.linalg.solve(c, b.T)


def refit(original, lost, q, form, begin):
    """The scale that minimises (v) form (v)ᵀ with v = what is lost so far, then original - scale · q."""
    left = np.concatenate([lost[:begin], original])
    direction = np.concatenate([np.zeros(begin), q])
    below = direction @ form @ direction
    return 0.0 if below == 0 else half(direction @ form @ left / below)


def best_group(row, original, lost, factor, form, begin, bits):
    top = row[np.argmax(np.abs(row))]
    if bits == 8:
        scale = half(abs(top) / 127)
        return (scale, *run_group(row, factor, scale, -127, 127))
    best = (0.0, *run_group(row, factor, 0.0, -8, 7))
    for divisor in DIVISORS:
        q, _ = run_group(row, factor, top / divisor, -8, 7)
        scale = refit(original, lost, q, form, begin)
        q, error = run_group(row, factor, scale, -8, 7)
        if error < best[2]:
            best = (scale, q, error)
    return best


def gptq(weight, inputs, bits, damping=0.01):
    hessian = inputs.T @ inputs
    hessian += damping * np.mean(np.diag(hessian)) * np.eye(len(hessian))
    factor = np.linalg.cholesky(np.linalg.inv(hessian)).T
    rows, cols = weight.shape
    q, scales = np.zeros((rows, cols)), np.zeros((rows, -(-cols // GROUP)))
    w, lost = weight.astype(np.float64).copy(), np.zeros((rows, cols))
    for begin in range(0, cols, GROUP):
        end = min(cols, begin + GROUP)
        form = schur(hessian, end)
        for r in range(rows):
            scale, q[r, begin:end], _ = best_group(w[r, begin:end], weight[r, begin:end], lost[r],
                                                   factor[begin:end, begin:end], form, begin, bits)
            scales[r, begin // GROUP] = scale
            for k in range(begin, end):
                rest = (w[r, k] - scale * q[r, k]) / factor[k, k]
                w[r, k:] -= rest * factor[k, k:]
                lost[r, k] = weight[r, k] - scale * q[r, k]
    return q.astype(np.int8), scales.astype(np.float32)


def main():
    rng = np.random.default_rng(1)
    rows, cols, tokens = 24, 100, 150
    inputs = rng.normal(size=(tokens, 6)) @ rng.normal(size=(6, cols)) + 0.4 * rng.normal(size=(tokens, cols))
    inputs[:, 7] *= 12
    inputs, weight = inputs.astype(np.float32), rng.normal(size=(rows, cols)).astype(np.float32)
    out = {"inputs": inputs, "weight": weight}
    for bits in (4, 8):
        out[f"q{bits}"], out[f"scales{bits}"] = gptq(weight.astype(np.float64), inputs.astype(np.float64), bits)
    save_file(out, FILE)


if __name__ == "__main__":
    main()
