"""Object-heavy loops: particles in a box, made, moved and compared by their methods."""


class Vector:
    """A point or a speed."""

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.x + other.x, self.y + other.y)

    def scaled(self, factor: float) -> "Vector":
        return Vector(self.x * factor, self.y * factor)

    @property
    def square(self) -> float:
        return self.x * self.x + self.y * self.y


class Particle:
    """Something that moves, and bounces off the walls."""

    def __init__(self, number: int) -> None:
        self.place = Vector(number * 7 % 10, number * 3 % 10)
        self.speed = Vector(number % 3 - 1, number % 5 - 2)
        self.bounces = 0

    def move(self, time: float, size: float) -> None:
        self.place += self.speed.scaled(time)
        if not 0 <= self.place.x <= size:
            self.speed.x = -self.speed.x
            self.bounces += 1
        if not 0 <= self.place.y <= size:
            self.speed.y = -self.speed.y
            self.bounces += 1


class Box:
    """Particles, and what they do together."""

    def __init__(self, size: float, particles: int) -> None:
        self.size = size
        self.particles = [Particle(number) for number in range(particles)]
        self.time = 0.0

    def step(self, time: float) -> None:
        for particle in self.particles:
            particle.move(time, self.size)
        self.time += time

    def energy(self) -> float:
        total = 0.0
        for particle in self.particles:
            total += particle.speed.square / 2
        return total


def main() -> None:
    box = Box(10.0, 40)
    highest = 0.0
    for _ in range(300):
        box.step(0.125)
        highest = max(highest, box.energy())
    print(box.time, highest, sum(particle.bounces for particle in box.particles))


main()
