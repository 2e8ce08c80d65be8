//! Typed views of `params`: what a request is about, with the place of each part.

use toolgate_json::{Kind, Value};

use crate::message::{Id, MessageError, MessageFault, Notification, Place, Request, Text};
use crate::meta::Meta;
use crate::names;

/// The `params` object of a message: no member imitates a known one, and `_meta` is checked.
#[derive(Clone, Debug)]
pub struct Params<'d> {
    object: Value<'d>,
    meta: Option<Meta<'d>>,
}

impl<'d> Params<'d> {
    /// Reads a `params` member.
    ///
    /// # Errors
    ///
    /// It is not an object, or has a member that imitates a known one, or a wrong `_meta`.
    pub fn read(object: Value<'d>) -> Result<Self, MessageFault> {
        if object.kind() != Kind::Object {
            return Err(wrong("params", "an object"));
        }
        let mut meta = None;
        for member in object.members() {
            let name = member.name.as_str().unwrap_or_default();
            if name == "_meta" {
                meta = Some(Meta::read(member.value)?);
            } else if let Some(known) = names::PARAMS.imitated(&name) {
                return Err(MessageFault::imitation(Place::Params, &name, known));
            }
        }
        Ok(Self { object, meta })
    }

    /// The whole object.
    #[must_use]
    pub fn object(&self) -> Value<'d> {
        self.object
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'d>> {
        self.object.get(name)
    }

    /// The `_meta` member.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta<'d>> {
        self.meta.as_ref()
    }
}

/// The parameters of `tools/call`.
#[derive(Clone, Debug)]
pub struct ToolCall<'d> {
    /// The tool's name, of any spelling.
    pub name: Text<'d>,
    /// The arguments, an object; inside it any member name is legal.
    pub arguments: Option<Value<'d>>,
    /// The wish to run as a task (2025-11-25), an object.
    pub task: Option<Value<'d>>,
    /// What makes this a repeated request after `input_required` (modern).
    pub retry: Retry<'d>,
}

/// The parts of a modern request that answer an earlier `input_required`.
#[derive(Clone, Debug)]
pub struct Retry<'d> {
    /// The answers by key, an object.
    pub input_responses: Option<Value<'d>>,
    /// The server's state, given back as it was.
    pub request_state: Option<Text<'d>>,
}

/// The parameters of `prompts/get`.
#[derive(Clone, Debug)]
pub struct PromptGet<'d> {
    /// The prompt's name.
    pub name: Text<'d>,
    /// The arguments, an object.
    pub arguments: Option<Value<'d>>,
    /// What makes this a repeated request after `input_required` (modern).
    pub retry: Retry<'d>,
}

/// The parameters of `resources/read`, `resources/subscribe` and `resources/unsubscribe`.
#[derive(Clone, Debug)]
pub struct ResourceTarget<'d> {
    /// The resource's URI, of any spelling.
    pub uri: Text<'d>,
    /// What makes this a repeated request after `input_required` (modern).
    pub retry: Retry<'d>,
}

/// The parameters of `tasks/get`, `tasks/result`, `tasks/update` and `tasks/cancel`.
#[derive(Clone, Debug)]
pub struct TaskTarget<'d> {
    /// The task's id.
    pub task_id: Text<'d>,
    /// The answers by key of `tasks/update`, an object.
    pub input_responses: Option<Value<'d>>,
}

/// The parameters of `completion/complete`.
#[derive(Clone, Debug)]
pub struct Completion<'d> {
    /// What the completed argument belongs to.
    pub reference: Reference<'d>,
    /// Name and value of the argument, an object.
    pub argument: Value<'d>,
}

/// What a completion refers to.
#[derive(Clone, Debug)]
pub enum Reference<'d> {
    /// A prompt, by name.
    Prompt(Text<'d>),
    /// A resource or template, by URI.
    Resource(Text<'d>),
}

/// The parameters of `initialize`.
#[derive(Clone, Debug)]
pub struct Initialize<'d> {
    /// The version that the client asks for, of any spelling.
    pub protocol_version: Text<'d>,
    /// What the client can do, an object.
    pub capabilities: Value<'d>,
    /// Name and version of the client, an object.
    pub client_info: Option<Value<'d>>,
}

/// The parameters of `subscriptions/listen`.
#[derive(Clone, Debug)]
pub struct Listen<'d> {
    /// What the client wants to hear of, an object.
    pub filter: Value<'d>,
    /// The URIs of `resourceSubscriptions`.
    pub resources: Vec<Text<'d>>,
}

/// The parameters of `notifications/cancelled`.
#[derive(Clone, Debug)]
pub struct Cancelled<'d> {
    /// The request that is cancelled; absent only where a task is.
    pub request_id: Option<Id<'d>>,
}

/// The parameters of `notifications/progress`.
#[derive(Clone, Debug)]
pub struct Progress<'d> {
    /// The token of the request.
    pub token: Id<'d>,
}

impl<'d> Request<'d> {
    /// The `_meta` member of `params`.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta<'d>> {
        self.params.as_ref().and_then(Params::meta)
    }

    /// Reads `params` as one of the views.
    ///
    /// # Errors
    ///
    /// A member that the view needs is missing or of the wrong type.
    pub fn view<V: View<'d>>(&self) -> Result<V, MessageError> {
        view(self.params.as_ref()).map_err(|fault| MessageError::new(fault, Some(self.id.raw())))
    }

    /// The `cursor` of a list request, opaque; an empty one counts.
    ///
    /// # Errors
    ///
    /// It is there and not a string.
    pub fn cursor(&self) -> Result<Option<Text<'d>>, MessageError> {
        let cursor = self.params.as_ref().and_then(|params| params.get("cursor"));
        cursor
            .map(|cursor| Text::of(cursor).ok_or(wrong("params.cursor", "a string")))
            .transpose()
            .map_err(|fault| MessageError::new(fault, Some(self.id.raw())))
    }
}

impl<'d> Notification<'d> {
    /// The `_meta` member of `params`.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta<'d>> {
        self.params.as_ref().and_then(Params::meta)
    }

    /// Reads `params` as one of the views.
    ///
    /// # Errors
    ///
    /// A member that the view needs is missing or of the wrong type.
    pub fn view<V: View<'d>>(&self) -> Result<V, MessageError> {
        view(self.params.as_ref()).map_err(|fault| MessageError::new(fault, None))
    }
}

fn view<'d, V: View<'d>>(params: Option<&Params<'d>>) -> Result<V, MessageFault> {
    V::of(params.ok_or(wrong("params", "an object"))?)
}

/// A typed reading of `params`.
pub trait View<'d>: Sized {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// A member that it needs is missing or of the wrong type.
    fn of(params: &Params<'d>) -> Result<Self, MessageFault>;
}

impl<'d> View<'d> for ToolCall<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        Ok(Self {
            name: required_text(params, "name", "params.name")?,
            arguments: optional_object(params, "arguments", "params.arguments")?,
            task: optional_object(params, "task", "params.task")?,
            retry: Retry::of(params)?,
        })
    }
}

impl<'d> View<'d> for Retry<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        let input_responses = optional_object(params, "inputResponses", "params.inputResponses")?;
        let request_state = params
            .get("requestState")
            .map(|state| Text::of(state).ok_or(wrong("params.requestState", "a string")))
            .transpose()?;
        Ok(Self { input_responses, request_state })
    }
}

impl<'d> View<'d> for PromptGet<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        Ok(Self {
            name: required_text(params, "name", "params.name")?,
            arguments: optional_object(params, "arguments", "params.arguments")?,
            retry: Retry::of(params)?,
        })
    }
}

impl<'d> View<'d> for ResourceTarget<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        Ok(Self { uri: required_text(params, "uri", "params.uri")?, retry: Retry::of(params)? })
    }
}

impl<'d> View<'d> for TaskTarget<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        let task_id = required_text(params, "taskId", "params.taskId")?;
        let input_responses = optional_object(params, "inputResponses", "params.inputResponses")?;
        Ok(Self { task_id, input_responses })
    }
}

impl<'d> View<'d> for Completion<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        let reference = required_object(params, "ref", "params.ref")?;
        check_names(reference, &names::REFERENCE, Place::Reference)?;
        let member = |name, path| reference.get(name).and_then(Text::of).ok_or(wrong(path, "a string"));
        let kind = member("type", "params.ref.type")?;
        let reference = match kind.as_str() {
            "ref/prompt" => Reference::Prompt(member("name", "params.ref.name")?),
            "ref/resource" => Reference::Resource(member("uri", "params.ref.uri")?),
            _ => return Err(wrong("params.ref.type", "\"ref/prompt\" or \"ref/resource\"")),
        };
        Ok(Self { reference, argument: required_object(params, "argument", "params.argument")? })
    }
}

impl<'d> View<'d> for Initialize<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        Ok(Self {
            protocol_version: required_text(params, "protocolVersion", "params.protocolVersion")?,
            capabilities: required_object(params, "capabilities", "params.capabilities")?,
            client_info: optional_object(params, "clientInfo", "params.clientInfo")?,
        })
    }
}

impl<'d> View<'d> for Listen<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        let filter = required_object(params, "notifications", "params.notifications")?;
        check_names(filter, &names::FILTER, Place::Filter)?;
        let fault = || wrong("params.notifications.resourceSubscriptions", "an array of strings");
        let resources = match filter.get("resourceSubscriptions") {
            None => Vec::new(),
            Some(uris) if uris.kind() == Kind::Array => {
                uris.elements().map(|uri| Text::of(uri).ok_or_else(fault)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(fault()),
        };
        Ok(Self { filter, resources })
    }
}

impl<'d> View<'d> for Cancelled<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        let request_id = params
            .get("requestId")
            .map(|id| Id::of(id).ok_or(wrong("params.requestId", "a string or an integer")))
            .transpose()?;
        Ok(Self { request_id })
    }
}

impl<'d> View<'d> for Progress<'d> {
    fn of(params: &Params<'d>) -> Result<Self, MessageFault> {
        let token = params.get("progressToken").and_then(Id::of);
        Ok(Self { token: token.ok_or(wrong("params.progressToken", "a string or an integer"))? })
    }
}

fn wrong(path: &'static str, expected: &'static str) -> MessageFault {
    MessageFault::Member { path, expected }
}

fn required_text<'d>(params: &Params<'d>, name: &str, path: &'static str) -> Result<Text<'d>, MessageFault> {
    params.get(name).and_then(Text::of).ok_or(wrong(path, "a string"))
}

fn optional_object<'d>(
    params: &Params<'d>,
    name: &str,
    path: &'static str,
) -> Result<Option<Value<'d>>, MessageFault> {
    match params.get(name) {
        Some(value) if value.kind() != Kind::Object => Err(wrong(path, "an object")),
        found => Ok(found),
    }
}

fn required_object<'d>(
    params: &Params<'d>,
    name: &str,
    path: &'static str,
) -> Result<Value<'d>, MessageFault> {
    optional_object(params, name, path)?.ok_or(wrong(path, "an object"))
}

fn check_names(object: Value<'_>, vocabulary: &names::Vocabulary, place: Place) -> Result<(), MessageFault> {
    for member in object.members() {
        let name = member.name.as_str().unwrap_or_default();
        if let Some(known) = vocabulary.imitated(&name) {
            return Err(MessageFault::imitation(place, &name, known));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
