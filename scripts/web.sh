# shellcheck shell=bash
# The pages nginx serves itself: the API's description, Swagger UI and the list of error codes.
# Sourced by scripts/up.

SWAGGER_UI=swagger-ui-dist@5.35.0
SWAGGER_UI_SHA512=U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==

# fetch_swagger_ui BUILD: once a build folder, from npm, checked by its digest; without npm or
# network the page has links only. `npm pack` runs no script of the package and takes no dependency.
fetch_swagger_ui() {
	local target=$1/web/swagger-ui work
	[ ! -e "$target" ] && command -v npm >/dev/null || return 0
	work=$(mktemp -d "$1/swagger-ui.XXXXXX")
	if (cd "$work" && npm pack --silent --ignore-scripts "$SWAGGER_UI" >/dev/null 2>npm.log &&
		[ "$(openssl dgst -sha512 -binary ./*.tgz | base64 -w0)" = "$SWAGGER_UI_SHA512" ] &&
		tar -xzf ./*.tgz package/swagger-ui.css package/swagger-ui-bundle.js package/LICENSE); then
		mkdir -p "$1/web"
		mv -T "$work/package" "$target" 2>/dev/null || true
	else
		say "no $SWAGGER_UI from npm: /docs has links only"
	fi
	rm -rf "$work"
}

html() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }

# Every code of fault.def and of nginx' own problems, so that each problem's `type` resolves.
problem_page() {
	cat <<'END'
<!DOCTYPE html>
<html lang="ko">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>오류 코드 · Error codes</title>
</head>
<body>
<h1>오류 코드 · Error codes</h1>
<p>application/problem+json (RFC 9457)의 <code>code</code> · the <code>code</code> of a problem;
<code>type</code> is <code>/problems/&lt;code&gt;</code>.</p>
<dl>
END
	{
		sed -n 's/^FAULT([A-Z_]*, [A-Z_]*, "\([^"]*\)", "\([^"]*\)", "\([^"]*\)").*/\1\t\2\t\3/p' \
			"$SOURCE_DIR/lib/base/fault.def"
		awk '/ default .*"code":/ { split($0, a, "\"title\":\""); split(a[2], t, "\""); ko = t[1] }
			/ en .*"code":/ { split($0, a, "\"title\":\""); split(a[2], t, "\"")
				split($0, b, "\"code\":\""); split(b[2], c, "\""); print c[1] "\t" t[1] "\t" ko }' \
			"$SOURCE_DIR/nginx/problem-texts.conf"
	} | sort -u -t "$(printf '\t')" -k1,1 | html |
		awk -F'\t' '{ printf "<dt id=\"%s\"><code>%s</code></dt>\n<dd lang=\"ko\">%s</dd>\n<dd lang=\"en\">%s</dd>\n", $1, $1, $3, $2 }'
	printf '</dl>\n</body>\n</html>\n'
}

# render_web BUILD: into a folder that nginx' workers may read, wherever the checkout lies.
render_web() {
	local target=$RUN_REAL/web
	rm -rf "$target.new"
	mkdir -p "$target.new/docs"
	cp "$SOURCE_DIR/web/openapi.json" "$target.new/"
	cp "$SOURCE_DIR/web/docs.html" "$target.new/docs/index.html"
	cp "$SOURCE_DIR/web/docs.js" "$target.new/docs/"
	[ ! -d "$1/web/swagger-ui" ] || cp "$1"/web/swagger-ui/swagger-ui* "$target.new/docs/"
	problem_page >"$target.new/problems.html"
	chmod -R u=rwX,go=rX "$target.new"
	rm -rf "$target.old"
	[ ! -e "$target" ] || mv -T "$target" "$target.old"
	mv -T "$target.new" "$target"
	rm -rf "$target.old"
}
