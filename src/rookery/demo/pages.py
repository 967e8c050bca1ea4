"""What the weak server serves: one row per mistake. Every secret below is made up."""

from __future__ import annotations

from dataclasses import dataclass

SERVER = "nginx/1.14.0"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: status, content type, body and further headers."""

    body: bytes
    kind: str = "text/plain"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def text(body: str) -> Page:
    """A page of plain text."""
    return Page(body.encode())


def html(title: str, body: str, status: int = 200) -> Page:
    """A page of HTML."""
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body>\n{body}\n</body></html>\n"
    return Page(page.encode(), "text/html; charset=utf-8", status)


def data(body: str) -> Page:
    """A JSON document."""
    return Page(body.encode(), "application/json")


HOME = Page(
    html("Weak Widgets", "<h1>Weak Widgets</h1><p>Everything here is wrong on purpose.</p>").body,
    "text/html; charset=utf-8",
    headers=(("Set-Cookie", "session=8f14e45f; Path=/"), ("X-Powered-By", "PHP/5.6.40")),
)
NOT_FOUND = html(
    "Page not found at /",
    "<h1>Page not found <span>(404)</span></h1>\n"
    "<p>You're seeing this error because you have <code>DEBUG = True</code> in your settings.</p>",
    status=404,
)
SCHEMA = data('{"data":{"__schema":{"queryType":{"name":"Query"}}}}')

PAGES: dict[str, Page] = {
    "/": HOME,
    "/.git/config": text(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
        '[remote "origin"]\n\turl = https://git.widgets.example/shop.git\n'
    ),
    "/build.json": data(
        '{"commit": "9f2c1e7", "built_by": "ci@widgets.example"}'
    ),  # for the tutorial's template
    "/.env": text("APP_ENV=production\nDB_HOST=db.internal\nDB_PASSWORD=made-up-for-the-demo\n"),
    "/.svn/wc.db": Page(b"SQLite format 3\x00" + b"\x00" * 80 + b"CREATE TABLE REPOSITORY ( id INTEGER )"),
    "/.DS_Store": Page(b"\x00\x00\x00\x01Bud1\x00\x00\x10\x00" + b"\x00" * 40, "application/octet-stream"),
    "/.htpasswd": text("operator:$apr1$Vw1g0hQ8$5QvqsPcP9nUO1DmU7yXdH0\n"),
    "/.aws/credentials": text(
        "[default]\naws_access_key_id = AKIAROOKERYDEMO00000\naws_secret_access_key = made/up/for/the/demo\n"
    ),
    "/id_rsa": text(
        "-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5LCBtYWRlIHVwIGZvciB0aGUgZGVtbw==\n"
        "-----END OPENSSH PRIVATE KEY-----\n"
    ),
    "/docker-compose.yml": text(
        "services:\n  shop:\n    image: widgets/shop:1.4\n    ports:\n      - 80:80\n"
    ),
    "/Dockerfile": text('FROM php:5.6-apache\nCOPY . /var/www/html\nCMD ["apache2-foreground"]\n'),
    "/composer.json": data(
        '{"name": "widgets/shop", "require": {"php": ">=5.6", "monolog/monolog": "^1.0"}}'
    ),
    "/package.json": data('{"name": "widgets", "version": "1.4.0", "dependencies": {"lodash": "4.17.4"}}'),
    "/wp-config.php.bak": text(
        "<?php\ndefine('DB_NAME', 'wordpress');\ndefine('DB_PASSWORD', 'made-up-for-the-demo');\n"
    ),
    "/backup.zip": Page(b"PK\x03\x04\x14\x00\x00\x00" + b"\x00" * 300, "application/zip"),
    "/backup.sql": text("-- MySQL dump 10.13\nCREATE TABLE `customers` (`id` int, `mail` text);\n"),
    "/index.php~": text("<?php\nrequire 'config.php';\n$page = $_GET['page'];\n"),
    "/web.config": Page(
        b'<?xml version="1.0"?>\n<configuration><connectionStrings/>'
        b'<system.web><compilation debug="true"/></system.web></configuration>\n',
        "text/xml",
    ),
    "/phpinfo.php": html(
        "PHP 5.6.40 - phpinfo()",
        '<h1 class="p">PHP Version 5.6.40</h1><table><tr><td>System</td></tr></table>',
    ),
    "/robots.txt": text("User-agent: *\nDisallow: /admin/\nDisallow: /old-backup/\n"),
    "/crossdomain.xml": Page(
        b'<?xml version="1.0"?><cross-domain-policy><allow-access-from domain="*"/></cross-domain-policy>',
        "text/xml",
    ),
    "/uploads/": html(
        "Index of /uploads/",
        '<h1>Index of /uploads/</h1><hr><pre><a href="../">../</a>\n<a href="invoice.pdf">invoice</a></pre>',
    ),
    "/server-status": html(
        "Apache Status",
        "<h1>Apache Server Status for widgets.example</h1><dl><dt>Server Version: Apache/2.4.29 (Ubuntu)</dt>"
        "<dt>Server uptime:  3 days</dt></dl>",
    ),
    "/server-info": html(
        "Server Information",
        "<h1>Apache Server Information</h1><h2>Server Settings</h2><p>Modules: core.c</p>",
    ),
    "/nginx_status": text(
        "Active connections: 3 \nserver accepts handled requests\n 8 8 21\nReading: 0 Writing: 1 Waiting: 2\n"
    ),
    "/actuator/env": data('{"activeProfiles":["prod"],"propertySources":[{"name":"systemProperties"}]}'),
    "/actuator/health": data('{"status":"UP"}'),
    "/actuator/heapdump": Page(b"JAVA PROFILE 1.0.2\x00\x00\x00\x00\x08", "application/octet-stream"),
    "/index.html": html("Apache2 Ubuntu Default Page: It works", "<p>Apache2 Ubuntu Default Page</p>"),
    "/index.nginx-debian.html": html("Welcome to nginx!", "<h1>Welcome to nginx!</h1>"),
    "/iisstart.htm": html("IIS Windows Server", '<img src="iisstart.png" alt="IIS">'),
    "/index.jsp": html(
        "Apache Tomcat/8.5.5", "<h2>If you're seeing this, you've successfully installed Tomcat.</h2>"
    ),
    "/openapi.json": data(
        '{"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "paths": {"/orders": {"get": {}}, '
        '"/orders/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "example": 17}]}}}}'
    ),
    "/metrics": text('# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total{shop="a"} 17\n'),
    "/debug/pprof/": html(
        "/debug/pprof/",
        '<p>Types of profiles available:</p><a href="goroutine?debug=2">full goroutine stack dump</a>',
    ),
    "/_cluster/health": data('{"cluster_name":"widgets","status":"green","number_of_data_nodes":1}'),
    "/console": html(
        "Console // Werkzeug Debugger",
        "<h1>Interactive Console</h1><script>var CONSOLE_MODE = true, EVALEX = true;</script>",
    ),
    "/_ignition/health-check": data('{"can_execute_commands":true}'),
    "/admin/": Page(
        b"Who are you?\n", status=401, headers=(("WWW-Authenticate", 'Basic realm="Widgets administration"'),)
    ),
}
