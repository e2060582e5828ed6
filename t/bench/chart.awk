# scripts/bench's chart: a bar a row (our ratio), a mark where it should reach. Input: what, ratio, reach, ours,
# unit, split by tabs; about: the machine. Output: SVG.
{ what[NR] = $1; ratio[NR] = $2; reach[NR] = $3; rate[NR] = $4; unit[NR] = $5 }
END {
	h = 70 + NR * 34
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 %d\" ", h
	print "font-family=\"sans-serif\" font-size=\"13\">"
	printf "<rect width=\"760\" height=\"%d\" fill=\"#fff\"/>\n", h
	print "<text x=\"10\" y=\"22\" font-size=\"15\">Speed as a share of a bare program" \
		" doing the same input and output</text>"
	gsub(/&/, "\\&amp;", about); gsub(/</, "\\&lt;", about)
	printf "<text x=\"10\" y=\"40\" fill=\"#555\" font-size=\"11\">%s</text>\n", about
	for (i = 1; i <= NR; i++) {
		y = 56 + (i - 1) * 34; w = ratio[i] > 1.15 ? 1.15 : ratio[i]
		printf "<text x=\"10\" y=\"%d\">%s</text>\n", y + 15, what[i]
		colour = (!reach[i] || ratio[i] >= reach[i]) ? "#2a7f62" : "#c0603a"
		printf "<rect x=\"290\" y=\"%d\" width=\"%.0f\" height=\"20\" fill=\"%s\"/>\n",
			y, w * 260, colour
		if (reach[i])
			printf "<path d=\"M%.0f %dv26\" stroke=\"#222\" stroke-width=\"2\"/>\n",
				290 + reach[i] * 260, y - 3
		printf "<text x=\"600\" y=\"%d\">%.2f  (%.0f %s)</text>\n",
			y + 15, ratio[i], rate[i], unit[i]
	}
	print "</svg>"
}
