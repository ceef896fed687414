"""Alert rules, dashboards and log shipping, checked by the programs that will read them."""
