from .episodes import EpisodeSummary
from .service import EpisodeFacts, ServiceRun, ServiceSummary

__all__ = ["EpisodeFacts", "EpisodeSummary", "ServiceRun", "ServiceSummary"]
