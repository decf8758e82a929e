"""torch_times.py: what PyTorch and OpenBLAS (numpy's) take for the work of against_torch: milliseconds, the least of
some runs after a first one.     torch_times.py step|image|matmul|matmul_tn [RUNS]"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def matmul(transposed):
    import numpy

    a, b = (numpy.random.rand(768, 768).astype("float32") for _ in range(2))
    left = a.T if transposed else a
    return lambda: left @ b


def step():
    import torch
    import torch_clip

    torch.set_num_threads(os.cpu_count())
    return torch_clip.training_step("cpu", torch.float32, torch_clip.SMALL, 64)


def image():
    import torch
    import torch_clip

    torch.set_num_threads(os.cpu_count())
    model, pixels = torch_clip.Clip(*torch_clip.VIT_B32).eval(), torch.randn(32, 3, 224, 224)

    def run():
        with torch.no_grad():
            model.images(pixels)

    return run


def main():
    what, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    run = {"step": step, "image": image, "matmul": lambda: matmul(False), "matmul_tn": lambda: matmul(True)}[what]()
    run()
    times = []
    for _ in range(runs * (20 if what.startswith("matmul") else 1)):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    print(f"{1e3 * min(times):.4f}")


main()
