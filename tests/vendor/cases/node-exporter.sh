# SPDX-License-Identifier: MIT
# Prometheus' node exporter reads units over the private socket, in Go's own way.
deserved 'cron.service: .*'
hearthd_start --systemd-compat=yes
starts cron
prometheus-node-exporter --collector.disable-defaults --collector.systemd --collector.systemd.private \
    --collector.systemd.enable-task-metrics --collector.systemd.enable-restarts-metrics \
    --collector.systemd.enable-start-time-metrics --web.listen-address=127.0.0.1:9100 >"$CASE_DIR/exporter.log" 2>&1 &
exporter=$!
scraped() { curl -sS -m 20 http://127.0.0.1:9100/metrics >"$CASE_DIR/metrics" 2>&1; }
until_true "the exporter to answer" scraped
for line in 'node_systemd_unit_state{name="cron.service",state="active",type="simple"} 1' \
    'node_scrape_collector_success{collector="systemd"} 1' 'node_systemd_system_running 1' \
    'node_systemd_service_restart_total{name="cron.service"} 0'; do
    grep -qF "$line" "$CASE_DIR/metrics" || fail "no $line in: $(cat "$CASE_DIR/metrics" "$CASE_DIR/exporter.log" | head -60)"
done
for metric in node_systemd_unit_start_time_seconds node_systemd_version; do
    grep -q "^$metric" "$CASE_DIR/metrics" || fail "no $metric in: $(cat "$CASE_DIR/metrics")"
done
kill "$exporter"
wait "$exporter"
# TasksCurrent= is known where there is a pids controller; a scrape asks for it all the same.
stops cron
