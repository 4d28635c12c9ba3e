"""The product's settings with one more page: a bare view to compare with."""

from alliance_site.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
