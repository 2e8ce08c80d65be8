//! Coming in by a link, staying, and going.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Response, StatusCode};
use toolgate_store::Role;

use super::app::{App, Caller};
use crate::attempts::{BURST, REFILL_SECONDS};

#[tokio::test]
async fn a_link_signs_in_once_and_looking_at_it_does_not_use_it_up() {
    let app = App::new().await;
    let link = app.admin.sign_in_link("operator", Role::Admin).await.unwrap();
    for _ in 0..3 {
        let page = app.anyone().get(&link).await.is(200);
        assert!(page.text.contains("<form method=post action=/sign-in>"), "{}", page.text);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("form-action 'self'") && policy.contains("default-src 'none'"));
        assert_eq!(page.headers["referrer-policy"], "same-origin");
        assert!(!page.headers.contains_key("set-cookie"));
    }
    let form = link.strip_prefix("/sign-in?").unwrap();
    let told = app.anyone().redeem(form).await.is(303);
    assert_eq!(told.headers["location"], "/");
    let cookie = told.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("toolgate=tgs_")
            && cookie.contains("HttpOnly; SameSite=Strict")
            && cookie.contains("Path=/")
    );
    assert!(!cookie.contains("Secure"), "browsers do not keep it over http then");
    let noted = app.noted();
    assert_eq!(noted, [("operator".to_owned(), "signed in by a link, role `admin`".to_owned())]);
    let again = app.anyone().redeem(form).await.is(410);
    assert!(!again.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let app = App::reached_by(true).await;
    let link = app.admin.sign_in_link("operator", Role::Viewer).await.unwrap();
    let told = app.anyone().redeem(link.strip_prefix("/sign-in?").unwrap()).await.is(303);
    let cookie = told.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-toolgate=tgs_") && cookie.ends_with("; Secure"), "{cookie}");
    let value = cookie.split(';').next().unwrap();
    app.anyone().with("cookie", value).get("/api/v1/session").await.is(200);
    app.anyone().with("cookie", value.replace("__Host-", "")).get("/api/v1/session").await.is(401);
}

#[tokio::test]
async fn what_is_no_link_or_over_does_nothing() {
    let app = App::new().await;
    let link = app.admin.sign_in_link("operator", Role::Admin).await.unwrap();
    let form = link.strip_prefix("/sign-in?").unwrap();
    let page = app.anyone().get("/sign-in?code=%22%3E%3Cscript%3E").await.is(200);
    assert!(!page.text.contains("<script") && page.text.contains("no sign-in link"));
    for bad in ["", "code=", "code=guess", "x=1", &format!("code={}", "A".repeat(5000)), &format!("{form}x")]
    {
        app.anyone().redeem(bad).await.is(410);
    }
    let foreign = app.anyone().with("content-type", "application/x-www-form-urlencoded");
    assert_eq!(post_form(&foreign, form.to_owned()).await, StatusCode::FORBIDDEN, "no page sent it");
    assert_eq!(post_form(&foreign.with("origin", "null"), form.to_owned()).await, StatusCode::FORBIDDEN);
    assert_eq!(
        post_form(&foreign.with("sec-fetch-site", "cross-site"), form.to_owned()).await,
        StatusCode::FORBIDDEN
    );
    let json = foreign.with("origin", "http://localhost:8421").with("content-type", "application/json");
    assert_eq!(post_form(&json, form.to_owned()).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    app.clock.advance(crate::LINK_LIFE);
    app.anyone().redeem(form).await.is(410);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let app = App::new().await;
    let browser = app.browser(Role::Viewer).await;
    for _ in 0..13 {
        app.clock.advance(Duration::from_hours(11));
        browser.get("/api/v1/session").await.is(200);
    }
    let idle = app.browser(Role::Viewer).await;
    app.clock.advance(Duration::from_hours(12));
    idle.get("/api/v1/session").await.is(401);
    // Used all the time, and over after seven days all the same.
    let used = app.browser(Role::Viewer).await;
    for _ in 0..27 {
        app.clock.advance(Duration::from_hours(6));
        used.get("/api/v1/session").await.is(200);
    }
    app.clock.advance(Duration::from_hours(6));
    used.get("/api/v1/session").await.is(401);
}

#[tokio::test]
async fn who_signs_out_is_out() {
    let app = App::new().await;
    let browser = app.browser(Role::Admin).await;
    browser.with("x-toolgate-csrf", "").delete("/api/v1/session", "").await.is(403);
    let told = browser.delete("/api/v1/session", "").await.is(204);
    assert!(told.headers["set-cookie"].to_str().unwrap().starts_with("toolgate=; Path=/; Max-Age=0"));
    browser.get("/api/v1/session").await.is(401);
    let program = app.program(Role::Admin).await;
    program.delete("/api/v1/session", "").await.is_problem(409, "revoke it");
    assert_eq!(program.get("/api/v1/session").await.json()["author"], "token:admin");
}

#[tokio::test]
async fn failed_attempts_are_few_and_do_not_lock_out_who_is_in() {
    let app = App::new().await;
    let program = app.program(Role::Viewer).await;
    let peer: IpAddr = "192.0.2.9".parse().unwrap();
    assert_eq!(ask(&program, peer).await.status(), 200);
    for _ in 0..BURST {
        assert_eq!(ask(&app.anyone(), peer).await.status(), 401);
    }
    let refused = ask(&app.anyone(), peer).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    assert_eq!(ask(&program, peer).await.status(), 200, "it proved itself before");
    let link = app.admin.sign_in_link("operator", Role::Admin).await.unwrap();
    let form = app
        .anyone()
        .with("content-type", "application/x-www-form-urlencoded")
        .with("origin", "http://localhost:8421");
    let redeem = || Body::from(link.strip_prefix("/sign-in?").unwrap().to_owned());
    assert_eq!(form.open_from(peer, Method::POST, "/sign-in", redeem()).await.status(), 429);
    app.clock.advance(Duration::from_secs(REFILL_SECONDS));
    assert_eq!(form.open_from(peer, Method::POST, "/sign-in", redeem()).await.status(), 303);
}

async fn post_form(caller: &Caller<'_>, body: String) -> StatusCode {
    caller.read(Method::POST, "/sign-in", Body::from(body)).await.status
}

async fn ask(caller: &Caller<'_>, peer: IpAddr) -> Response<Body> {
    caller.open_from(peer, Method::GET, "/api/v1/session", Body::empty()).await
}
