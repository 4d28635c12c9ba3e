import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from jobs.organisation import refuse_unsafe_database_role

refuse_unsafe_database_role()
