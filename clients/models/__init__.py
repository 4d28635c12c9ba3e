from .episodes import ORIGIN_LENGTH, Client, ClientQuerySet, Ending, Episode, EpisodeQuerySet, Modality

__all__ = ["ORIGIN_LENGTH", "Client", "ClientQuerySet", "Ending", "Episode", "EpisodeQuerySet", "Modality"]
