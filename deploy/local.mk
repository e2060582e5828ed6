EXTRA_DIST += deploy/README.md deploy/RUNBOOK.md deploy/nginx/tls.conf deploy/prometheus/prometheus.yml deploy/prometheus/alerts.yml \
  deploy/grafana/concert-mania.json deploy/systemd/concert-mania-pool@.service \
  deploy/systemd/concert-mania-daemon@.service deploy/systemd/concert-mania-consumer@.service \
  deploy/systemd/concert-mania.target deploy/systemd/concert-mania.sysusers \
  deploy/compose/Dockerfile deploy/compose/compose.yaml deploy/compose/entrypoint
