"""The page: the dashboards of grafana/dashboards, read-only and without Grafana."""
