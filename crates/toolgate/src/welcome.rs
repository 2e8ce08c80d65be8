//! What `toolgate up` prints once it serves: where, with which token, and what a client's config looks like.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::json;
use toolgate_gateway::Ready;
use toolgate_gateway::settings::Settings;

use crate::demo;

/// What is known before the gateway serves.
pub(crate) struct Welcome {
    /// Grants and the servers that they include.
    grants: Vec<(String, Vec<String>)>,
    /// The demo's grant and its token.
    demo: Option<(String, String)>,
    /// Grants that had no token, and the one that they have now.
    minted: Vec<(String, String)>,
}

impl Welcome {
    pub(crate) fn new(
        settings: &Settings,
        demo: Option<(String, String)>,
        minted: Vec<(String, String)>,
    ) -> Self {
        let servers =
            |bindings: &[(String, String)]| bindings.iter().map(|(server, _)| server.clone()).collect();
        let grants = settings.grants.iter().map(|grant| (grant.label.clone(), servers(&grant.servers)));
        Self { grants: grants.collect(), demo, minted }
    }

    /// The text for people. Tokens stand in it: it is printed once, and never logged.
    pub(crate) fn text(&self, ready: &Ready, link: Option<&str>) -> String {
        let scheme = if ready.tls { "https" } else { "http" };
        let base = format!("{scheme}://{}/mcp/", reachable(ready.listen));
        let mut out = String::from("\nToolgate is running.\n\n");
        for server in &ready.servers {
            line(&mut out, "proxy URL", &format!("{base}{server}"));
        }
        let tokens = || self.demo.iter().chain(&self.minted);
        for (label, token) in tokens() {
            line(&mut out, "grant token", &format!("{token}  (grant `{label}`, shown once)"));
        }
        line(&mut out, "status page", &format!("{}/", console_url(ready)));
        if let Some(link) = link {
            line(&mut out, "sign in", &format!("{link}  (once, within 10 minutes)"));
        }
        // One example is enough; the others differ by URL and token.
        if let Some((label, token)) = tokens().next()
            && let Some((_, servers)) = self.grants.iter().find(|(known, _)| known == label)
            && let Some(server) = servers.first()
        {
            snippets(&mut out, server, &format!("{base}{server}"), token);
            if self.demo.is_some() {
                attempt(&mut out, &format!("{base}{server}"), token);
            }
        }
        out
    }
}

fn line(out: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    writeln!(out, "  {name:<12}  {value}").unwrap_or_default();
}

fn snippets(out: &mut String, server: &str, url: &str, token: &str) {
    let over_http = json!({"mcpServers": {server: {
        "url": url,
        "headers": {"Authorization": format!("Bearer {token}")},
    }}});
    let program =
        std::env::current_exe().map_or("toolgate".to_owned(), |path| path.to_string_lossy().into_owned());
    let over_stdio = json!({"mcpServers": {server: {
        "command": program,
        "args": ["connect", url],
        "env": {"TOOLGATE_TOKEN": token},
    }}});
    let example = |title: &str, value: &serde_json::Value| format!("\n{title}\n\n{value:#}\n");
    out.push_str(&example("For a client that speaks HTTP:", &over_http));
    out.push_str(&example("For a client that speaks only stdio:", &over_stdio));
}

/// A command line that calls the demo's tool.
fn attempt(out: &mut String, url: &str, token: &str) {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": demo::TOOL,
        "arguments": {"prompt": "a lighthouse at dusk"},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let headers = [
        format!("Authorization: Bearer {token}"),
        "Content-Type: application/json".to_owned(),
        "Accept: application/json, text/event-stream".to_owned(),
        "MCP-Protocol-Version: 2026-07-28".to_owned(),
        "Mcp-Method: tools/call".to_owned(),
        format!("Mcp-Name: {}", demo::TOOL),
    ];
    out.push_str("\nTo try it:\n\n");
    out.push_str(&format!("curl -s {url} \\\n"));
    for header in headers {
        out.push_str(&format!("  -H '{header}' \\\n"));
    }
    out.push_str(&format!("  -d '{body}'\n"));
}

/// Where people reach the console, without a slash behind it.
pub(crate) fn console_url(ready: &Ready) -> String {
    ready.console_url.clone().unwrap_or_else(|| reachable_url(ready))
}

/// Where the console is reached from this machine, without a slash behind it.
pub(crate) fn reachable_url(ready: &Ready) -> String {
    let scheme = if ready.console_certificate.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", reachable(ready.console))
}

/// An address that a client on this machine can use: one that stands for all addresses is none.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Ready {
        Ready {
            listen: "0.0.0.0:8420".parse().unwrap(),
            console: "127.0.0.1:8421".parse().unwrap(),
            tls: true,
            console_certificate: None,
            console_url: None,
            servers: vec!["a".to_owned(), "b".to_owned()],
        }
    }

    #[test]
    fn tokens_are_shown_with_a_snippet_that_works() {
        let welcome = Welcome {
            grants: vec![("g".to_owned(), vec!["b".to_owned()])],
            demo: None,
            minted: vec![("g".to_owned(), "tg_x".to_owned())],
        };
        let text = welcome.text(&ready(), Some("http://127.0.0.1:8421/sign-in?code=tgl_x"));
        let (head, snippets) = text.split_once("\nFor a client that speaks HTTP:\n").unwrap();
        let expected = "
Toolgate is running.

  proxy URL     https://127.0.0.1:8420/mcp/a
  proxy URL     https://127.0.0.1:8420/mcp/b
  grant token   tg_x  (grant `g`, shown once)
  status page   http://127.0.0.1:8421/
  sign in       http://127.0.0.1:8421/sign-in?code=tgl_x  (once, within 10 minutes)
";
        assert_eq!(head, expected);
        let (over_http, over_stdio) = snippets.split_once("For a client that speaks only stdio:").unwrap();
        let json =
            |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["mcpServers"]["b"].clone();
        let url = "https://127.0.0.1:8420/mcp/b";
        assert_eq!(json(over_http), json!({"url": url, "headers": {"Authorization": "Bearer tg_x"}}));
        assert_eq!(json(over_stdio)["args"], json!(["connect", url]));
        assert_eq!(json(over_stdio)["env"], json!({"TOOLGATE_TOKEN": "tg_x"}));
        assert!(!text.contains("curl"));
    }

    #[test]
    fn people_are_led_to_the_url_that_they_use() {
        let secure = Ready { console_certificate: Some(vec![0x30]), ..ready() };
        assert_eq!((reachable_url(&secure), console_url(&secure)), {
            let own = "https://127.0.0.1:8421".to_owned();
            (own.clone(), own)
        });
        let proxied = Ready { console_url: Some("https://console.example.com".to_owned()), ..ready() };
        assert_eq!(reachable_url(&proxied), "http://127.0.0.1:8421", "commands go straight there");
        assert_eq!(console_url(&proxied), "https://console.example.com");
    }

    #[test]
    fn nothing_is_made_up_where_no_token_is_new() {
        let welcome =
            Welcome { grants: vec![("g".to_owned(), vec!["b".to_owned()])], demo: None, minted: Vec::new() };
        assert!(!welcome.text(&ready(), None).contains("mcpServers"));
    }
}
