import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from accounts.encryption import refuse_missing_keys
from jobs.organisation import refuse_unsafe_database_role

refuse_unsafe_database_role()
refuse_missing_keys()
