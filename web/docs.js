'use strict';
/* Without the package (npm was not there at installing) the links of the page remain. */
if (window.SwaggerUIBundle)
	window.ui = window.SwaggerUIBundle({
		url: '/openapi.json',
		dom_id: '#swagger-ui',
		deepLinking: true,
		displayRequestDuration: true,
		filter: true,
		persistAuthorization: false,
		validatorUrl: null,
	});
