//! The one table of the API: every route with its method and the least role that it needs. The router, the
//! check of roles and the OpenAPI document are all made from it, so that none can lack what another has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{HeaderValue, Method, StatusCode, header};
use toolgate_store::Role;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, OpenApiBuilder, RefOr, SecurityRequirement};
use utoipa_axum::routes;

use crate::admin::State;
use crate::guard::{Guard, guard};
use crate::problem::Problem;
use crate::{
    audit, catalog, events, grants, inventory, offer, people, policies, servers, session, settings, sign_in,
    state,
};

mod standard;

/// Where the document is.
const DOCUMENT: &str = "/api/v1/openapi.json";

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Least {
    /// Anyone: the sign-in itself, and what is offered to others.
    Anyone,
    /// Whoever has this role or a higher one.
    Role(Role),
}

const ANYONE: Least = Least::Anyone;
const VIEWER: Least = Least::Role(Role::Viewer);
const POLICIES: Least = Least::Role(Role::PolicyManager);
const ADMIN: Least = Least::Role(Role::Admin);

/// A handler with its documentation, as `routes!` gives it.
pub(crate) type Handler = (Vec<(String, RefOr<Schema>)>, Paths, MethodRouter<State>);

/// Every route but that of the document itself.
pub(crate) fn table() -> Vec<(Least, Handler)> {
    let mut table = resources();
    table.extend(people_and_sign_in());
    table.extend(views());
    table.extend(inventory());
    table
}

fn resources() -> Vec<(Least, Handler)> {
    vec![
        (VIEWER, routes!(servers::list)),
        (ADMIN, routes!(servers::create)),
        (VIEWER, routes!(servers::get)),
        (ADMIN, routes!(servers::update)),
        (ADMIN, routes!(servers::delete)),
        (ADMIN, routes!(servers::test)),
        (VIEWER, routes!(servers::tools)),
        (VIEWER, routes!(policies::list)),
        (POLICIES, routes!(policies::create)),
        (VIEWER, routes!(policies::get)),
        (POLICIES, routes!(policies::update)),
        (POLICIES, routes!(policies::delete)),
        (VIEWER, routes!(policies::validate)),
        (VIEWER, routes!(policies::history::list)),
        (VIEWER, routes!(policies::history::get)),
        (VIEWER, routes!(policies::history::diff)),
        (VIEWER, routes!(grants::list)),
        (ADMIN, routes!(grants::create)),
        (VIEWER, routes!(grants::get)),
        (ADMIN, routes!(grants::update)),
        (ADMIN, routes!(grants::revoke)),
        (ADMIN, routes!(grants::tokens::rotate)),
        // Adding a server needs `admin` too, which the handler checks: it widens the grant.
        (POLICIES, routes!(grants::bindings::attach)),
        (ADMIN, routes!(grants::bindings::detach)),
    ]
}

fn people_and_sign_in() -> Vec<(Least, Handler)> {
    vec![
        (ADMIN, routes!(people::users::list)),
        (ADMIN, routes!(people::users::create)),
        (ADMIN, routes!(people::users::get)),
        (ADMIN, routes!(people::users::update)),
        (ADMIN, routes!(people::users::delete)),
        (ADMIN, routes!(people::users::link)),
        (ADMIN, routes!(people::tokens::list)),
        (ADMIN, routes!(people::tokens::create)),
        (ADMIN, routes!(people::tokens::revoke)),
        (VIEWER, routes!(session::get)),
        (VIEWER, routes!(session::end)),
        (ANYONE, routes!(offer::list)),
        (ANYONE, routes!(offer::version)),
        (ANYONE, routes!(sign_in::page)),
        (ANYONE, routes!(sign_in::redeem)),
    ]
}

fn views() -> Vec<(Least, Handler)> {
    vec![
        (VIEWER, routes!(audit::search)),
        (VIEWER, routes!(audit::event)),
        (VIEWER, routes!(audit::sums::plot)),
        (VIEWER, routes!(audit::sums::usage)),
        (VIEWER, routes!(audit::names)),
        (VIEWER, routes!(catalog::tools)),
        (VIEWER, routes!(catalog::tool)),
        (VIEWER, routes!(catalog::servers)),
        (VIEWER, routes!(catalog::server)),
        (VIEWER, routes!(events::stream)),
        (VIEWER, routes!(state::limits)),
        (VIEWER, routes!(state::health)),
        (VIEWER, routes!(settings::get)),
        (ADMIN, routes!(settings::put)),
    ]
}

fn inventory() -> Vec<(Least, Handler)> {
    vec![
        (VIEWER, routes!(inventory::list::list)),
        (VIEWER, routes!(inventory::matrix::matrix)),
        (VIEWER, routes!(inventory::grants::grants)),
        (VIEWER, routes!(inventory::drift::drift)),
        (VIEWER, routes!(inventory::recommendation::recommendation)),
        (POLICIES, routes!(inventory::refresh::refresh)),
        (VIEWER, routes!(inventory::tool::page)),
        (VIEWER, routes!(inventory::tool::get_override)),
        (POLICIES, routes!(inventory::tool::set_override)),
        (POLICIES, routes!(inventory::tool::remove_override)),
    ]
}

/// The least role of every route and method.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    by_route: HashMap<String, Vec<(Method, Least)>>,
}

impl Roles {
    /// Who may use a route with a method; none if there is no such entry, which refuses.
    pub(crate) fn of(&self, path: &str, method: &Method) -> Option<Least> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let entries = self.by_route.get(path)?;
        entries.iter().find(|(known, _)| known == method).map(|(_, least)| *least)
    }

    /// The methods of a route, for `Allow`.
    pub(crate) fn methods(&self, path: &str) -> String {
        let mut names = BTreeSet::new();
        for (method, _) in self.by_route.get(path).into_iter().flatten() {
            names.insert(method.as_str());
            if method == Method::GET {
                names.insert("HEAD");
            }
        }
        names.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// All of it, in order.
    #[cfg(test)]
    pub(crate) fn all(&self) -> BTreeMap<(String, String), Least> {
        let rows = self.by_route.iter().flat_map(|(path, entries)| {
            entries.iter().map(|(method, least)| ((path.clone(), method.to_string()), *least))
        });
        rows.collect()
    }

    fn add(&mut self, path: &str, method: Method, least: Least) {
        self.by_route.entry(path.to_owned()).or_default().push((method, least));
    }
}

/// The router over all routes.
pub(crate) fn router(state: &State) -> Router {
    let built = Built::new();
    let document = Arc::<str>::from(built.document.to_json().unwrap_or_default());
    let show = axum::routing::get(move || async move { json(&document) });
    let guarded = Guard { state: state.clone(), roles: Arc::new(built.roles) };
    built
        .router
        .route(DOCUMENT, show)
        .fallback(nothing_here)
        .layer(axum::middleware::from_fn_with_state(guarded, guard))
        .with_state(state.clone())
}

fn json(document: &str) -> Response {
    let media_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([media_type], document.to_owned()).into_response()
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("nothing is here; the routes are described at `{DOCUMENT}`"))
}

/// What the table becomes.
pub(crate) struct Built {
    router: Router<State>,
    pub(crate) roles: Roles,
    pub(crate) document: OpenApi,
}

impl Built {
    pub(crate) fn new() -> Self {
        let mut router = Router::new();
        let mut roles = Roles::default();
        let mut paths: BTreeMap<String, PathItem> = BTreeMap::new();
        let mut schemas: BTreeMap<String, RefOr<Schema>> = standard::schemas();
        for (least, (named, documented, handler)) in table() {
            schemas.extend(named);
            for (path, mut item) in documented.paths {
                for (method, operation) in operations(&mut item) {
                    standard::complete(operation, (&path, &method), least);
                    roles.add(&path, method, least);
                }
                router = router.route(&path, handler.clone());
                match paths.get_mut(&path) {
                    Some(known) => known.merge_operations(item),
                    None => {
                        paths.insert(path, item);
                    }
                }
            }
        }
        roles.add(DOCUMENT, Method::GET, VIEWER);
        paths.insert(DOCUMENT.to_owned(), standard::document_item());
        Self { router, roles, document: document(paths, schemas) }
    }
}

/// The operations of a path with their methods.
fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let all = [
        (Method::GET, item.get.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation?))).collect()
}

fn document(paths: BTreeMap<String, PathItem>, schemas: BTreeMap<String, RefOr<Schema>>) -> OpenApi {
    let mut info = Info::new("Toolgate admin API", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "What people and programs see of a running gateway, and how they change it. Errors are problem documents \
         (RFC 9457). What exists is changed with `If-Match`. A change acts on the next call."
            .to_owned(),
    );
    let mut components = Components::new();
    components.schemas = schemas;
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the admin API, `tga_…`"));
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    let cookie = ApiKeyValue::with_description(
        "toolgate",
        "A signed-in browser; `__Host-toolgate` over https. Changes carry `X-Toolgate-Csrf` too.",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let mut all = Paths::new();
    all.paths = paths.into_iter().collect();
    OpenApiBuilder::new().info(info).paths(all).components(Some(components)).build()
}

/// That either way of proving oneself will do.
fn security() -> Vec<SecurityRequirement> {
    ["token", "session"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new())).to_vec()
}
