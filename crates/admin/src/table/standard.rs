//! The answers that every route of a kind can give, put into the document where they belong rather than written
//! at each handler: what the guard, the readers of input and the store answer.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use toolgate_store::Role;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::Least;
use crate::problem::{MEDIA_TYPE, Mistake, ProblemDocument};

/// The schemas that the standard answers name.
pub(super) fn schemas() -> BTreeMap<String, RefOr<Schema>> {
    BTreeMap::from([
        (ProblemDocument::name().into_owned(), ProblemDocument::schema()),
        (Mistake::name().into_owned(), Mistake::schema()),
    ])
}

/// The document's own entry.
pub(super) fn document_item() -> PathItem {
    let any = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Object))).build();
    let found = ResponseBuilder::new().description("This document").content("application/json", any).build();
    let mut operation = OperationBuilder::new()
        .tag("API")
        .operation_id(Some("openapi"))
        .summary(Some("This document"))
        .response("200", found)
        .build();
    complete(&mut operation, (super::DOCUMENT, &Method::GET), Least::Role(Role::Viewer));
    PathItem::new(HttpMethod::Get, operation)
}

/// Adds what every route of its kind has: problems, the condition of changes, and who may use it.
pub(super) fn complete(operation: &mut Operation, (path, method): (&str, &Method), least: Least) {
    let changes_something_there =
        *method == Method::PUT || (*method == Method::DELETE && path != "/api/v1/session");
    if changes_something_there {
        operation.parameters.get_or_insert_default().push(if_match().into());
        add(operation, StatusCode::PRECONDITION_FAILED, "It was changed meanwhile");
        add(operation, StatusCode::PRECONDITION_REQUIRED, "`If-Match` is missing");
    }
    if *method != Method::GET && matches!(least, Least::Role(_)) {
        add(operation, StatusCode::CONFLICT, "Something that is there stands against it");
        add(operation, StatusCode::UNPROCESSABLE_ENTITY, "What was sent can be read but not used");
    }
    if operation.request_body.is_some() {
        add(operation, StatusCode::REQUEST_TIMEOUT, "The body took too long");
        add(operation, StatusCode::PAYLOAD_TOO_LARGE, "The body is too long");
        add(operation, StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of another media type");
    }
    if path.contains('{') {
        add(operation, StatusCode::NOT_FOUND, "There is no such thing");
    }
    add(operation, StatusCode::BAD_REQUEST, "The request cannot be read");
    add(
        operation,
        StatusCode::FORBIDDEN,
        "The role, `Host`, `Origin` or the proof against forged requests is not enough",
    );
    add(operation, StatusCode::TOO_MANY_REQUESTS, "Too many attempts; `Retry-After` says how long to wait");
    add(operation, StatusCode::INTERNAL_SERVER_ERROR, "Something of the gateway itself failed");
    add(
        operation,
        StatusCode::SERVICE_UNAVAILABLE,
        "The store, the index or the journal is not available just now",
    );
    match least {
        Least::Anyone => operation.security = Some(Vec::new()),
        Least::Role(role) => {
            add(operation, StatusCode::UNAUTHORIZED, "Nobody is signed in");
            operation.security = Some(super::security());
            let needs = format!("Needs the role `{}`.", role.as_str());
            operation.description = Some(match operation.description.take() {
                Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
                Some(_) | None => needs,
            });
        }
    }
}

fn if_match() -> Parameter {
    ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some("The `ETag` that was seen, or `*`"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(\\*|\"[^\"]*\")$"))))
        .build()
}

/// Adds an answer unless the route itself describes it.
fn add(operation: &mut Operation, status: StatusCode, description: &str) {
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDocument::name().as_ref()))).build();
    let response: Response =
        ResponseBuilder::new().description(description).content(MEDIA_TYPE, content).build();
    operation.responses.responses.entry(status.as_u16().to_string()).or_insert(response.into());
}
