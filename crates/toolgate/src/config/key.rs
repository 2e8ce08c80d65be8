//! The table of all keys of the config file: one place for their names, their shapes, what they mean and
//! what holds without them. Files are checked against it, and `docs/configuration.md` is printed from it.

use toolgate_policy::{Field, Shape, Table};

/// A string that may hold `${NAME}`.
const TEXT: Shape = Shape::Text;
/// A number, or a string that `${NAME}` makes one.
const NUMBER: Shape = Shape::Either(&[Shape::Number, Shape::Text]);
/// `true`, `false`, or a string that `${NAME}` makes one of them.
const FLAG: Shape = Shape::Either(&[Shape::Flag, Shape::Text]);
/// A text with a unit, or bytes.
const SIZE: Shape = Shape::Either(&[Shape::Text, Shape::Number]);
/// A text with a unit; a number gets a message of its own.
const DURATION: Shape = Shape::Either(&[Shape::Text, Shape::Number]);
/// A text or a number in its spelling.
const PLAIN: Shape = Shape::Either(&[Shape::Text, Shape::Number]);
const TEXTS: Shape = Shape::List(&TEXT);

const fn key(name: &'static str, shape: Shape, docs: &'static str) -> Field {
    Field { name, shape, required: false, docs }
}

const fn required(name: &'static str, shape: Shape, docs: &'static str) -> Field {
    Field { name, shape, required: true, docs }
}

/// The whole file. In each text, what follows "Default: " is what holds without the key.
pub(crate) static CONFIG: Table = Table {
    name: "the config file",
    fields: &[
        key(
            "listen",
            TEXT,
            "Address and port of the data plane. Off loopback it needs `tls` or `insecure_listen`. Default: `127.0.0.1:8420`",
        ),
        key(
            "console",
            TEXT,
            "Address and port of console, metrics and status page. Off loopback it needs `console_tls` or `insecure_listen`. Default: `127.0.0.1:8421`",
        ),
        key(
            "insecure_listen",
            FLAG,
            "Lets `listen` (without `tls`) and `console` (without `console_tls`) be reached from other machines in clear text. Default: `false`",
        ),
        key(
            "data_dir",
            TEXT,
            "Folder of journal, grants, keys and logs; made with mode 0700, used by one gateway at a time. Default: `./.toolgate`",
        ),
        key("workers", NUMBER, "Threads of the data plane, 0 to 1024; 0 is one per core. Default: `0`"),
        key(
            "tls",
            Shape::Object(&TLS),
            "Certificate and key of the data plane's listener. Default: none, plain HTTP",
        ),
        key(
            "console_tls",
            Shape::Object(&TLS),
            "Certificate and key of the console's listener. Default: none, plain HTTP",
        ),
        key(
            "console_url",
            TEXT,
            "Where browsers reach the console if not at its address, as in `https://console.example.com` for a proxy that ends TLS. Links are printed with it, its host and origin are answered, and with `https` the session cookie is kept to https. Default: the address of `console`",
        ),
        key(
            "trusted_proxies",
            TEXTS,
            "Addresses or ranges (`10.0.0.0/8`) whose `X-Forwarded-For` is believed. Default: none",
        ),
        key(
            "database_url",
            Shape::Unavailable,
            "Reserved for a fleet of gateways; refused in this version. Default: none",
        ),
        key(
            "redis_url",
            Shape::Unavailable,
            "Reserved for a fleet of gateways; refused in this version. Default: none",
        ),
        key(
            "servers",
            Shape::Map(&Shape::Object(&SERVER)),
            "The MCP servers by name. Names are `a-z`, `0-9`, `_`, `-`, begin with a letter or digit, and have at most 64 characters. Default: none",
        ),
        key(
            "policies",
            Shape::Map(&TEXT),
            "The policies: name and path of the file, JSON or YAML. Default: none",
        ),
        key(
            "grants",
            Shape::Map(&Shape::Object(&GRANT)),
            "The grants by label, at most 64 characters of `A-Z`, `a-z`, `0-9`, `.`, `_`, `-`. Those made by `toolgate grant create` come on top. Default: none",
        ),
        key(
            "allowed_hosts",
            TEXTS,
            "Host names, without port, that requests may carry beyond loopback names and the listen address. Default: none",
        ),
        key(
            "allowed_origins",
            TEXTS,
            "Origins (`https://app.example.com`) that browsers may send beyond those of this machine. Default: none",
        ),
        key(
            "limits",
            Shape::Object(&LIMITS),
            "What a request, an answer and a grant may cost. Default: see below",
        ),
        key("journal", Shape::Object(&JOURNAL), "How the journal is kept. Default: see below"),
        key(
            "index",
            Shape::Object(&INDEX),
            "Whether there is an audit index, and how long it keeps what it copies from the journal. Default: see below",
        ),
        key(
            "catalog",
            Shape::Object(&CATALOG),
            "What of the catalogue is offered to others. Default: nothing",
        ),
        key(
            "allow_commands_from_api",
            FLAG,
            "Whether servers that are commands may be added through the admin API: whoever has the role for it then runs programs on this machine. Default: `false`",
        ),
    ],
};

/// `tls`
pub(super) static TLS: Table = Table {
    name: "`tls`",
    fields: &[
        required("cert", TEXT, "PEM file of the certificate chain, leaf first"),
        required("key", TEXT, "PEM file of the private key"),
    ],
};

/// One member of `servers`.
pub(super) static SERVER: Table = Table {
    name: "a server",
    fields: &[
        // Any: a string here gets a message of its own.
        key(
            "command",
            Shape::Any,
            "List of program and arguments of a child that speaks on its standard streams. A program without `/` is looked up in the gateway's `PATH`. Either this or `url`. Default: none",
        ),
        key(
            "env",
            Shape::Map(&PLAIN),
            "What the child gets beside `PATH`, `HOME`, `LANG` and `TMPDIR`. Default: nothing",
        ),
        key(
            "shared",
            FLAG,
            "Whether one child of the legacy era serves all sessions. Default: `false`, one per session",
        ),
        key(
            "url",
            TEXT,
            "Address of a server that speaks Streamable HTTP, `http` or `https`. Either this or `command`. Default: none",
        ),
        key("headers", Shape::Map(&PLAIN), "Headers sent with every request to `url`. Default: none"),
        key(
            "protocol",
            TEXT,
            "`legacy` (revisions up to 2025-11-25), `modern` (2026-07-28) or `auto`, found by asking. Default: `auto`",
        ),
        key("timeout", DURATION, "How long a call may stay without a byte or progress. Default: `60s`"),
        key("max_duration", DURATION, "How long a call may take in all. Default: `10m`"),
    ],
};

/// One member of `grants`.
pub(super) static GRANT: Table = Table {
    name: "a grant",
    fields: &[
        key(
            "token_sha256",
            TEXT,
            "SHA-256 of the token, 64 hexadecimal digits. Default: minted at first start and shown once",
        ),
        key(
            "token_env",
            TEXT,
            "Name of the variable that holds the token: at least 22 characters, no placeholder, not easily guessed. Default: none",
        ),
        required(
            "servers",
            Shape::Map(&TEXT),
            "Which servers the grant includes, each with the policy that judges its calls there",
        ),
        key(
            "expires",
            TEXT,
            "Day (from 00:00 UTC on) or RFC 3339 time from which on it is no longer valid. Default: never",
        ),
        key("tags", TEXTS, "Words that conditions find under `grant.tags`. Default: none"),
        key(
            "names",
            TEXT,
            "`dotted`: tools keep their names; `underscore`: dots are shown as underscores, for clients that refuse dots. Default: `dotted`",
        ),
    ],
};

/// `limits`
pub(super) static LIMITS: Table = Table {
    name: "`limits`",
    fields: &[
        key("body", SIZE, "Size of a request's body, 1 KiB to 1 GiB. Default: `16MiB`"),
        key(
            "result",
            SIZE,
            "Size of an answer, or of one event of a streamed one, 1 KiB to 1 GiB. Default: `64MiB`",
        ),
        key("depth", NUMBER, "Levels of nesting in a message, 8 to 128. Default: `64`"),
        key("values", NUMBER, "Values and member names in a message, 100 to 100,000,000. Default: `1000000`"),
        key("headers", NUMBER, "Header lines of a request, 16 to 1000. Default: `100`"),
        key("connections", NUMBER, "Client connections open at once, 1 to 1,000,000. Default: `20000`"),
        key(
            "in_flight_per_grant",
            NUMBER,
            "Calls of one grant under way at once, 1 to 1,000,000. Default: `256`",
        ),
        key(
            "in_flight_per_server",
            NUMBER,
            "Calls to one server under way at once, 1 to 1,000,000. Default: `512`",
        ),
        key("sessions_per_grant", NUMBER, "Live sessions of one grant, 1 to 10,000. Default: `64`"),
        key("streams_per_grant", NUMBER, "Open event streams of one grant, 1 to 100,000. Default: `64`"),
        key("header_timeout", DURATION, "How long the head of a request may take. Default: `10s`"),
        key("body_timeout", DURATION, "How long the body of a request may take. Default: `30s`"),
        key(
            "shutdown_grace",
            DURATION,
            "How long requests under way may go on after a signal to stop. Default: `30s`",
        ),
    ],
};

/// `journal`
pub(super) static JOURNAL: Table = Table {
    name: "`journal`",
    fields: &[
        key(
            "durability",
            TEXT,
            "What a record survives before its call goes on: `process` (a crash of the gateway) or `power` (also of the machine; synced in groups). Default: `process`",
        ),
        key(
            "rotate",
            SIZE,
            "Size at which a file is full and the next begins, at least 64 KiB. Default: `256MiB`",
        ),
        key(
            "keep_bytes",
            SIZE,
            "Size of all files together above which the oldest are removed. Default: all are kept",
        ),
        key("keep_age", DURATION, "Age above which files are removed. Default: all are kept"),
        key("low_water", SIZE, "Free space on the disk below which calls are refused. Default: `256MiB`"),
    ],
};

/// `index`
pub(super) static INDEX: Table = Table {
    name: "`index`",
    fields: &[
        key(
            "enabled",
            FLAG,
            "Whether there is one. Without it the journal is written all the same, and the admin API and console can search and sum up nothing. Default: `true`",
        ),
        key(
            "keep_events",
            DURATION,
            "Age above which events can no longer be searched. Default: all are kept",
        ),
        key(
            "keep_sums",
            DURATION,
            "Age above which sums per hour and day are removed. Default: all are kept",
        ),
    ],
};

/// `catalog`
pub(super) static CATALOG: Table = Table {
    name: "`catalog`",
    fields: &[key(
        "offer",
        TEXTS,
        "Names of servers that `GET /v0.1/servers` of the console offers to whoever may reach it; `*` at the end stands for any characters (`com.example/*`). Taken over at start. Default: none, the address does not exist",
    )],
};

#[cfg(test)]
mod tests {
    use super::*;

    const INTRODUCTION: &str = "\
# The config file

`toolgate up` reads `toolgate.yaml`, or what `--config` names, as YAML or JSON. `toolgate check FILE` tells every
mistake in it with its place. A running gateway reads it again when it or one of its policies changes; a broken file
never replaces a good one.

* `${NAME}` is replaced by the variable of that name, inside values only and after the file was parsed, so that no
  value can change the file's structure. A missing variable is an error. `$${` stands for `${` itself.
* Relative paths are relative to the file.
* Unknown keys, and keys that stand twice, are errors.
* Durations are whole numbers with `ms`, `s`, `m`, `h`, `d` or `w`, as in `60s` and `1h30m`.
* Sizes are bytes, or a whole number and `B`, `KB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB` or `TiB`
  (powers of 1024).
* YAML anchors, aliases, tags and merge keys are refused.

The options `--listen`, `--console` and `--data-dir` of `toolgate up` win over the file.
";

    const EXAMPLE: &str = "
## Example

```yaml
listen: 127.0.0.1:8420
servers:
  imagegen:
    command: [imagegen-mcp, stdio]
    env: { REPLICATE_API_TOKEN: \"${REPLICATE_API_TOKEN}\" }
  everything:
    url: http://127.0.0.1:3001/mcp
policies:
  images: policies/images.json
grants:
  alice-laptop:
    servers: { imagegen: images, everything: images }
    expires: 2027-01-01
```
";

    fn section(title: &str, table: &Table, out: &mut String) {
        out.push_str(&format!("\n## {title}\n\n| key | default | meaning |\n|---|---|---|\n"));
        for field in table.fields {
            let (meaning, default) = field.docs.split_once(" Default: ").unwrap_or((field.docs, "required"));
            let meaning = meaning.trim_end_matches('.').replace('|', "\\|");
            out.push_str(&format!("| `{}` | {default} | {meaning} |\n", field.name));
        }
    }

    fn page() -> String {
        let mut out = INTRODUCTION.to_owned();
        for (title, table) in [
            ("Top level", &CONFIG),
            ("`tls`, `console_tls`", &TLS),
            ("`servers.NAME`", &SERVER),
            ("`grants.LABEL`", &GRANT),
            ("`limits`", &LIMITS),
            ("`journal`", &JOURNAL),
            ("`index`", &INDEX),
            ("`catalog`", &CATALOG),
        ] {
            section(title, table, &mut out);
        }
        out + EXAMPLE
    }

    /// `UPDATE_DOCS=1` writes the page instead.
    #[test]
    fn the_documentation_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        if std::env::vars_os().any(|(name, _)| name == "UPDATE_DOCS") {
            std::fs::write(path, page()).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == page(),
            "docs/configuration.md is out of date: run `UPDATE_DOCS=1 cargo test -p toolgate`"
        );
    }

    #[test]
    fn every_key_says_what_holds_without_it() {
        for table in [&CONFIG, &TLS, &SERVER, &GRANT, &LIMITS, &JOURNAL, &INDEX, &CATALOG] {
            for field in table.fields {
                assert_ne!(field.required, field.docs.contains(" Default: "), "{}", field.name);
            }
        }
    }
}
