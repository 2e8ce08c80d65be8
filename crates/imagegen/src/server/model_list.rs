//! The list of models: what each costs, takes and how long it lives, as text and as data.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde_json::{Map, Value, json};

use super::Shared;
use crate::arguments::quoted;
use crate::catalogue::{Day, Model};
use crate::tool::{MODEL_LIST, Naming, Tool};

/// The provider that the arguments name, if any.
pub(super) fn check(naming: Naming, raw: Option<&JsonObject>) -> Result<Option<Tool>, String> {
    let lead = format!("invalid arguments for tool {}", naming.of(MODEL_LIST));
    let mut provider = None;
    for (name, value) in raw.into_iter().flatten() {
        if name != "provider" {
            return Err(format!("{lead}: there is no argument `{}`; known is provider", quoted(name)));
        }
        let known = Tool::ALL.into_iter().find(|tool| value.as_str() == Some(tool.provider()));
        let Some(known) = known else {
            let allowed = Tool::ALL.map(Tool::provider).join(", ");
            return Err(format!("{lead}: `provider` must be one of {allowed}"));
        };
        provider = Some(known);
    }
    Ok(provider)
}

impl Shared {
    /// The models of one provider, or of all.
    pub(super) fn model_list(&self, provider: Option<Tool>) -> CallToolResult {
        let catalogue = &self.settings.catalogue;
        let today = Day::of(self.clock.now());
        let wanted = |model: &&Model| provider.is_none_or(|provider| model.provider == provider);
        let (mut lines, mut models) = (Vec::new(), Vec::new());
        for model in catalogue.models().filter(wanted) {
            let default = self.settings.default_model(model.provider) == model.id;
            let facts = self.described(model, default, &today);
            lines.push(line(model, &facts));
            models.push(facts);
        }
        let lead = format!("Prices are estimates of {} in US dollars for one picture.", catalogue.as_of);
        let text = format!("{lead}\n{}", lines.join("\n"));
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(json!({ "asOf": catalogue.as_of, "models": models }));
        result
    }

    fn described(&self, model: &Model, default: bool, today: &Day) -> Value {
        let mut facts = Map::new();
        let mut fact = |name: &str, value: Value| {
            if !value.is_null() && value != json!([]) {
                facts.insert(name.to_owned(), value);
            }
        };
        let live = model.check_alive(today).is_ok();
        fact("provider", json!(model.provider.provider()));
        fact("tool", json!(self.settings.naming.of(model.provider.name())));
        fact("id", json!(model.id));
        fact("label", json!(model.label));
        fact("default", if default { json!(true) } else { Value::Null });
        fact("live", json!(live));
        fact("ends", json!(model.retired.as_ref().map(Day::as_str)));
        fact("replacement", json!(model.replacement));
        fact("notice", json!(model.notice));
        fact("price", if live { model.price.shown() } else { Value::Null });
        fact("formats", json!(model.formats.iter().map(|format| format.name()).collect::<Vec<_>>()));
        fact("qualities", json!(model.qualities));
        fact("backgrounds", json!(model.backgrounds));
        fact("inputImages", json!(model.inputs));
        Value::Object(facts)
    }
}

fn line(model: &Model, facts: &Value) -> String {
    let mut line = format!("{} {}", model.provider.provider(), model.id);
    if facts.get("default").is_some() {
        line.push_str(" (default)");
    }
    let live = facts.get("live") == Some(&Value::Bool(true));
    match (live, &model.retired) {
        (true, None) => {}
        (true, Some(day)) => line.push_str(&format!(": ends on {}", day.as_str())),
        (false, _) => line.push_str(": shut down"),
    }
    if let (Some(other), true) = (&model.replacement, model.retired.is_some()) {
        line.push_str(&format!("; use {other}"));
    }
    if let Some(price) = model.price.usual_estimate().filter(|_| live) {
        line.push_str(&format!(": about {price}"));
    }
    line
}
