"""Run benchmarks by name, or all that take seconds, and print one table."""

import importlib
import sys

META = ["influence", "small_study", "selection_models", "glmm", "multilevel", "bayes", "sparse"]
OTHERS = ["figures", "feasible", "audit", "bias_simple", "bias_probabilistic"]
QUICK = ["imports", "pooling", "intervals", *META, *OTHERS]
ALL = [*QUICK, "commands"]


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}; known are {', '.join(ALL)}", file=sys.stderr)
        return 2
    for name in names or QUICK:
        for row in importlib.import_module(name).run():
            goal = f"  (goal: {row.goal})" if row.goal else ""
            print(f"{row.benchmark:10} {row.what:62} {row.value:10.4g} {row.unit}{goal}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
