EXTRA_DIST += web/docs.html web/docs.js web/openapi.json
