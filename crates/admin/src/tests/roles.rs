//! Every route, with every kind of caller.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::Value;
use toolgate_store::Role;

use super::app::{App, Caller};
use crate::credential;
use crate::table::{Built, Least};

/// A path of the table with a name for each parameter; none of them exists.
fn filled(path: &str) -> String {
    let mut filled = path.to_owned();
    for (parameter, value) in [
        ("{name}", "nobody"),
        ("{label}", "nobody"),
        ("{server}", "nobody"),
        ("{tool}", "nothing"),
        ("{version}", "latest"),
        ("{number}", "1"),
        ("{seq}", "1"),
        ("{dimension}", "tool"),
    ] {
        filled = filled.replace(parameter, value);
    }
    assert!(!filled.contains('{'), "{filled}");
    filled
}

/// The status of a request that does nothing: what it names is not there, and what it sends is empty.
async fn status(caller: &Caller<'_>, path: &str, method: &str) -> u16 {
    let method: Method = method.parse().unwrap();
    let caller = caller.with("if-match", "\"0\"").with("content-type", "application/json");
    let body = if method == Method::GET { Body::empty() } else { Body::from("{}") };
    caller.open(method, &filled(path), body).await.status().as_u16()
}

/// A route with those who ask for it.
struct Question<'a> {
    path: &'a str,
    method: &'a str,
    program: &'a Caller<'a>,
    browser: &'a Caller<'a>,
}

impl Question<'_> {
    /// What a browser is refused for whatever the route.
    async fn with_foreign_names(&self) {
        for caller in [self.program, self.browser] {
            for (name, value) in [
                ("host", "evil.example"),
                ("host", ""),
                ("origin", "https://evil.example"),
                ("origin", "null"),
            ] {
                let status = status(&caller.with(name, value), self.path, self.method).await;
                assert_eq!(status, 403, "{} {} with {name} `{value}`", self.method, self.path);
            }
        }
    }

    /// A change that no page of ours sent.
    async fn forged(&self) {
        for (name, value) in [
            ("x-toolgate-csrf", ""),
            ("x-toolgate-csrf", "guess"),
            ("origin", ""),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let status = status(&self.browser.with(name, value), self.path, self.method).await;
            assert_eq!(status, 403, "{} {} with {name} `{value}`", self.method, self.path);
        }
    }

    /// Both kinds of callers are let in if their role is enough, and are answered as documented.
    async fn with_role(&self, enough: bool, documented: &Value) {
        for caller in [self.program, self.browser] {
            let status = status(caller, self.path, self.method).await;
            assert_eq!(!matches!(status, 401 | 403), enough, "{} {}: {status}", self.method, self.path);
            let known = &documented[self.path][self.method.to_ascii_lowercase()]["responses"];
            assert!(
                known.get(status.to_string()).is_some(),
                "{} {}: {status} is not documented",
                self.method,
                self.path
            );
        }
    }
}

#[tokio::test]
async fn who_may_use_which_route() {
    let app = App::new().await;
    let documented = serde_json::to_value(Built::new().document).unwrap()["paths"].take();
    let mut asked = 0;
    for ((path, method), least) in Built::new().roles.all() {
        for role in [Role::Viewer, Role::PolicyManager, Role::Admin] {
            let (program, browser) = (app.program(role).await, app.browser(role).await);
            let question = Question { path: &path, method: &method, program: &program, browser: &browser };
            question.with_foreign_names().await;
            if let Least::Role(least) = least {
                if method != "GET" {
                    question.forged().await;
                }
                question.with_role(role >= least, &documented).await;
            }
            asked += 1;
        }
    }
    assert_eq!(asked, Built::new().roles.all().len() * 3);
    assert!(app.noted().iter().all(|(_, detail)| detail.contains("signed")), "nothing was changed");
}

#[tokio::test]
async fn strangers_are_told_to_sign_in_and_no_more() {
    let app = App::new().await;
    let data_plane = toolgate_gateway::token::mint().unwrap();
    let (token, cookie) = (credential::mint_token().unwrap(), credential::mint_cookie().unwrap());
    let anyone = app.anyone();
    let strangers = [
        ("without a token", anyone.clone()),
        ("with a data-plane token", anyone.with("authorization", format!("Bearer {data_plane}"))),
        ("with a data-plane token as cookie", anyone.with("cookie", format!("toolgate={data_plane}"))),
        ("with an unknown token", anyone.with("authorization", format!("Bearer {token}"))),
        ("with an unknown cookie", anyone.with("cookie", format!("toolgate={cookie}"))),
    ];
    for ((path, method), least) in Built::new().roles.all() {
        for (what, stranger) in &strangers {
            let status = status(stranger, &path, &method).await;
            assert_eq!(status == 401, least != Least::Anyone, "{method} {path} {what}: {status}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    admin.get("/api/v1/nothing").await.is_problem(404, "openapi.json");
    admin.get("/api/v2/servers").await.is_problem(404, "nothing is here");
    let told = admin.send(Method::PATCH, "/api/v1/servers/filed", None).await;
    told.is_problem(405, "PATCH");
    assert_eq!(told.headers["allow"], "DELETE, GET, HEAD, PUT");
    assert_eq!(admin.read(Method::HEAD, "/api/v1/servers", Body::empty()).await.status, StatusCode::OK);
    assert_eq!(app.anyone().read(Method::HEAD, "/api/v1/servers", Body::empty()).await.status, 401);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_browsers_heed() {
    let app = App::new().await;
    for told in [
        app.anyone().get("/api/v1/servers").await,
        app.program(Role::Viewer).await.get("/api/v1/servers").await,
    ] {
        assert_eq!(told.headers["x-content-type-options"], "nosniff");
        assert_eq!(told.headers["cache-control"], "no-store");
        assert!(told.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert_eq!(told.headers["referrer-policy"], "no-referrer");
    }
    let told = app.anyone().get("/api/v1/servers").await;
    assert_eq!(told.headers["www-authenticate"], "Bearer realm=\"toolgate admin\"");
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let post = |media: &str, body: String| {
        let caller = admin.with("content-type", media);
        async move { caller.read(Method::POST, "/api/v1/users", Body::from(body)).await }
    };
    let good = r#"{"name": "a", "role": "viewer"}"#;
    post("text/plain", good.to_owned()).await.is_problem(415, "application/json");
    post("", good.to_owned()).await.is_problem(415, "application/json");
    post("application/json", "{".to_owned()).await.is_problem(400, "no JSON");
    post("application/json", "{\"name\": \"\u{fffd}".to_owned()).await.is_problem(400, "no JSON");
    let unknown = r#"{"name": "a", "role": "viewer", "admin": true}"#;
    let problem = post("application/json", unknown.to_owned()).await.is_problem(422, "unknown field `admin`");
    assert_eq!(
        (&problem["errors"][0]["line"], &problem["errors"][0]["column"]),
        (&Value::from(1), &Value::from(39))
    );
    post("application/json", r#"{"name": "a", "name": "b", "role": "viewer"}"#.to_owned())
        .await
        .is_problem(422, "duplicate");
    post("application/json", r#"{"name": "a", "role": "root"}"#.to_owned()).await.is_problem(422, "root");
    post("application/json", format!("{good}{}", " ".repeat(1 << 20))).await.is_problem(413, "longer than");
    post("application/json; charset=utf-8", good.to_owned()).await.is(201);
    admin.get("/api/v1/servers?limit=x").await.is_problem(400, "query");
    admin.get("/api/v1/servers?limt=1").await.is_problem(400, "limt");
    admin.get("/api/v1/servers?cursor=!!").await.is_problem(400, "cursor");
    admin.get("/api/v1/servers/%ff").await.is_problem(400, "UTF-8");
}
