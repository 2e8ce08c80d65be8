//! What a server offers beside tools: resources, templates of resources, and prompts. Calls are not judged by these
//! lists, so they are fetched for people only and not kept.

use toolgate_json::{Document, Value};
use toolgate_mcp::error::Code;
use toolgate_mcp::message::{Message, Outcome};
use toolgate_mcp::method::{Listed, Method};

use super::inventory::{MOST_PAGES, MOST_TOOLS};
use super::{Leg, Server, UpstreamError};

/// One thing of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it is asked for by: the URI of a resource, the URI template of a template, the name of a prompt.
    pub name: String,
    /// What its server says about it; empty where nothing is said.
    pub description: String,
}

impl Server {
    /// What a server lists, page by page; nothing where it does not know the method.
    ///
    /// # Errors
    ///
    /// It cannot be asked, or answers with something else.
    pub(crate) async fn offers(&self, leg: &Leg, listed: Listed) -> Result<Vec<Offer>, UpstreamError> {
        let mut offers = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = self.ask_for_page(leg, method(listed), cursor.as_deref()).await?;
            let document =
                Document::read(&page, self.limits()).map_err(|e| UpstreamError::Protocol(e.to_string()))?;
            let Some(result) = result_of(&document, listed)? else { return Ok(offers) };
            offers.extend(
                result
                    .get(listed.member())
                    .into_iter()
                    .flat_map(|list| list.elements())
                    .filter_map(|element| offer(element, listed)),
            );
            cursor = result.get("nextCursor").and_then(|c| c.as_str()).map(std::borrow::Cow::into_owned);
            if cursor.is_none() {
                return Ok(offers);
            }
            if offers.len() > MOST_TOOLS {
                break;
            }
        }
        let what = method(listed).name();
        Err(UpstreamError::Protocol(format!(
            "its `{what}` goes beyond {MOST_PAGES} pages or {MOST_TOOLS} items"
        )))
    }
}

fn method(listed: Listed) -> Method {
    match listed {
        Listed::Tools => Method::ToolsList,
        Listed::Prompts => Method::PromptsList,
        Listed::Resources => Method::ResourcesList,
        Listed::Templates => Method::ResourcesTemplatesList,
    }
}

fn offer(element: Value<'_>, listed: Listed) -> Option<Offer> {
    let text = |name: &str| element.get(name).and_then(|value| value.as_str()).map(|text| text.into_owned());
    let name = text(match listed {
        Listed::Tools | Listed::Prompts => "name",
        Listed::Resources => "uri",
        Listed::Templates => "uriTemplate",
    })?;
    let description = text("description").or_else(|| text("title")).unwrap_or_default();
    Some(Offer { name, description })
}

/// The result of an answer; none where the server does not know the method.
fn result_of<'d>(document: &'d Document<'_>, listed: Listed) -> Result<Option<Value<'d>>, UpstreamError> {
    let what = method(listed).name();
    match Message::read(document) {
        Ok(Message::Response(response)) => match response.outcome {
            Outcome::Result(result) => Ok(Some(result)),
            Outcome::Error(error) if error.code == i64::from(Code::MethodNotFound.number()) => Ok(None),
            Outcome::Error(error) => {
                let text = error.message.as_str().unwrap_or_default();
                Err(UpstreamError::Protocol(format!(
                    "`{what}` was answered with error {}: {text}",
                    error.code
                )))
            }
        },
        Ok(_) => Err(UpstreamError::Protocol(format!("no answer to `{what}`"))),
        Err(error) => Err(UpstreamError::Protocol(error.to_string())),
    }
}
