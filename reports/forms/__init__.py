"""What an administrator says about a file: which one, what it holds, and which column is what."""

from .choosing import ChoosingForm, Measure, known_measures
from .columns import ColumnsForm
from .files import MappingForm, UploadForm

__all__ = ["ChoosingForm", "ColumnsForm", "MappingForm", "Measure", "UploadForm", "known_measures"]
