# SPDX-License-Identifier: MIT
# Type=forking with PIDFile=, ExecStartPre=, a reload that leaves the master alone, KillMode=mixed.
hearthd_start
starts nginx
matches "the page" "$(curl -sS http://127.0.0.1/)" "*Welcome to nginx*"

sed -i 's,root /var/www/html;,return 200 "reloaded\n";,' /etc/nginx/sites-available/default
reloads nginx
reloaded() { [ "$(curl -sS http://127.0.0.1/)" = reloaded ]; }
until_true "nginx to have read its configuration again" reloaded

killed_has_failed nginx
starts nginx
stops nginx
