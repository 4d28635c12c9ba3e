"""The formats of an export: how some rows of a table are kept, and how what is kept becomes the file.

A pack for a client is none of these: `reports.privacy.held` writes it.
"""

from .bundles import IN_BUNDLES, parts_of, write_bundles
from .files import SHEET_TYPE, FileFormat, as_csv, as_rows, write_csv, write_workbook
from .redcap import write_redcap
from .spss import write_spss

FORMATS = {
    "csv": FileFormat("zip", "application/zip", as_csv, write_csv),
    "xlsx": FileFormat("xlsx", f"{SHEET_TYPE}.sheet", as_rows, write_workbook),
    "sav": FileFormat("zip", "application/zip", as_csv, write_spss),
    "redcap": FileFormat("zip", "application/zip", as_csv, write_redcap),
    "fhir": FileFormat("zip", "application/zip", as_csv, write_bundles, together=parts_of, only=IN_BUNDLES),
}
