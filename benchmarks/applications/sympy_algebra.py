"""SymPy: derivatives, integrals, equations, factors and matrices of expressions."""

import sys

from sympy import Matrix, Symbol, cos, diff, exp, expand, factor, integrate, simplify, sin, solve


def main(rounds: int) -> None:
    x, y = Symbol("x"), Symbol("y")
    found = []
    for number in range(1, rounds + 1):
        polynomial = expand((x + number) ** 4 * (x - y) ** 2)
        found.append(factor(polynomial))
        found.append(diff(sin(x * number) * exp(x**2) * cos(x), x, 2))
        found.append(integrate(x**2 * number + x * sin(x), x))
        found += solve([x + number * y - 1, x - y - number], [x, y]).values()
        found += solve(x**2 - number * x - 6, x)
        found.append(simplify(sin(x) ** 2 + cos(x) ** 2 + number))
        found.append(Matrix([[x, 1, number], [y, x, 2], [1, number, x]]).det())
    print("sympy", rounds, sum(len(str(each)) for each in found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
