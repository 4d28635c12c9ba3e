from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """The same hash at a small cost: these tests make a hundred people, and none of them is about guessing."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1
