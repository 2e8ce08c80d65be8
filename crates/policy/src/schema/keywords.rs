//! Reading the keywords of one schema into checks. Keywords that only describe (`title`, `default`,
//! `format`, `examples`, …) and unknown ones check nothing, as JSON Schema has it.

use toolgate_json::{Decimal, Kind, Value};

use super::build::{Builder, Draft, Refusal};
use super::check::{Check, Properties, TypeSet};
use crate::condition::Comparison;
use crate::literal::Literal;

type Outcome = Result<(), Refusal>;

/// Adds the checks of all keywords, the cheap ones first.
pub(super) fn read<'s>(builder: &mut Builder<'_, 's>, place: Value<'s>, checks: &mut Vec<Check>) -> Outcome {
    let mut reading = Reading { builder, place, checks };
    reading.types()?;
    reading.values()?;
    reading.numbers()?;
    reading.texts()?;
    reading.objects()?;
    reading.arrays()?;
    reading.combinations()
}

struct Reading<'r, 'b, 's> {
    builder: &'r mut Builder<'b, 's>,
    place: Value<'s>,
    checks: &'r mut Vec<Check>,
}

impl<'s> Reading<'_, '_, 's> {
    fn draft(&self) -> Draft {
        self.builder.survey.draft
    }

    /// A keyword that the draft knows since `since`.
    fn since(&self, since: Draft, name: &str) -> Option<Value<'s>> {
        if self.draft() >= since { self.place.get(name) } else { None }
    }

    fn refuse<T>(&self, place: Value<'_>, message: &str) -> Result<T, Refusal> {
        Err(self.builder.error(place, message))
    }

    fn types(&mut self) -> Outcome {
        let Some(place) = self.place.get("type") else { return Ok(()) };
        let mut types = TypeSet::default();
        let mut add = |value: Value<'_>| value.as_str().is_some_and(|name| types.add(&name));
        let known = match place.kind() {
            Kind::Array => place.elements().next().is_some() && place.elements().all(&mut add),
            _ => add(place),
        };
        if !known {
            return self.refuse(place, "`type` is not a JSON type or a list of them");
        }
        self.checks.push(Check::Type(types));
        Ok(())
    }

    fn values(&mut self) -> Outcome {
        if let Some(place) = self.place.get("const") {
            self.checks.push(Check::Among(vec![Literal::of_value(place)]));
        }
        let Some(place) = self.place.get("enum") else { return Ok(()) };
        if place.kind() != Kind::Array {
            return self.refuse(place, "`enum` is not a list");
        }
        self.checks.push(Check::Among(place.elements().map(Literal::of_value).collect()));
        Ok(())
    }

    fn numbers(&mut self) -> Outcome {
        for (name, comparison) in [
            ("minimum", Comparison::AtLeast),
            ("maximum", Comparison::AtMost),
            ("exclusiveMinimum", Comparison::Greater),
            ("exclusiveMaximum", Comparison::Less),
        ] {
            let Some(place) = self.place.get(name) else { continue };
            let number = self.number(place)?;
            self.checks.push(Check::Bound(comparison, number));
        }
        let Some(place) = self.place.get("multipleOf") else { return Ok(()) };
        let number = self.number(place)?;
        let positive = Decimal::parse(&number)
            .is_some_and(|divisor| !divisor.is_negative() && divisor.scaled(0) != Some(0))
            && super::check::scale_of(&number).is_some();
        if !positive {
            return self.refuse(place, "`multipleOf` is not a number above 0 of up to 18 decimal places");
        }
        self.checks.push(Check::MultipleOf(number));
        Ok(())
    }

    fn number(&self, place: Value<'s>) -> Result<Box<str>, Refusal> {
        match place.as_number() {
            Some(number) if Decimal::parse(number).is_some() => Ok(number.into()),
            _ => self.refuse(place, "not a number that can be compared exactly"),
        }
    }

    fn texts(&mut self) -> Outcome {
        if let Some(least) = self.count("minLength")? {
            self.checks.push(Check::MinLength(least));
        }
        if let Some(most) = self.count("maxLength")? {
            self.checks.push(Check::MaxLength(most));
        }
        let Some(place) = self.place.get("pattern") else { return Ok(()) };
        let Some(pattern) = place.as_str() else { return self.refuse(place, "`pattern` is not a string") };
        match self.builder.survey.patterns.compile(&pattern) {
            Ok(regex) => self.checks.push(Check::Pattern(regex)),
            Err(message) => return self.refuse(place, &message),
        }
        Ok(())
    }

    fn count(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(place) = self.place.get(name) else { return Ok(None) };
        let count = place.as_decimal().and_then(|decimal| decimal.scaled(0));
        match count.map(usize::try_from) {
            Some(Ok(count)) => Ok(Some(count)),
            _ => self.refuse(place, "not a whole number of 0 or more"),
        }
    }

    fn objects(&mut self) -> Outcome {
        if let Some(least) = self.count("minProperties")? {
            self.checks.push(Check::MinProperties(least));
        }
        if let Some(most) = self.count("maxProperties")? {
            self.checks.push(Check::MaxProperties(most));
        }
        if let Some(place) = self.place.get("required") {
            let names = self.names(place)?;
            self.checks.push(Check::Required(names));
        }
        self.properties()?;
        if let Some(place) = self.place.get("propertyNames") {
            let node = self.builder.node(place)?;
            self.checks.push(Check::Names(node));
        }
        self.dependencies()
    }

    fn names(&self, place: Value<'s>) -> Result<Vec<Box<str>>, Refusal> {
        let names: Option<Vec<Box<str>>> = place.elements().map(|name| Some(name.as_str()?.into())).collect();
        match names {
            Some(names) if place.kind() == Kind::Array => Ok(names),
            _ => self.refuse(place, "not a list of names"),
        }
    }

    fn properties(&mut self) -> Outcome {
        let mut properties = Properties::default();
        for (name, place) in self.schemas("properties")? {
            let node = self.builder.node(place)?;
            properties.known.push((name, node));
        }
        properties.index();
        for (pattern, place) in self.schemas("patternProperties")? {
            let node = self.builder.node(place)?;
            match self.builder.survey.patterns.compile(&pattern) {
                Ok(regex) => properties.patterns.push((regex, node)),
                Err(message) => return self.refuse(place, &message),
            }
        }
        if let Some(place) = self.place.get("additionalProperties") {
            properties.additional = Some(self.builder.node(place)?);
        }
        if !properties.is_empty() {
            self.checks.push(Check::Properties(Box::new(properties)));
        }
        Ok(())
    }

    /// The members of an object of schemas.
    fn schemas(&self, name: &str) -> Result<Vec<(Box<str>, Value<'s>)>, Refusal> {
        let Some(place) = self.place.get(name) else { return Ok(Vec::new()) };
        if place.kind() != Kind::Object {
            return self.refuse(place, "not an object of schemas");
        }
        Ok(place.members().map(|m| (m.name.as_str().unwrap_or_default().into(), m.value)).collect())
    }

    fn dependencies(&mut self) -> Outcome {
        let mut members = Vec::new();
        if self.draft() >= Draft::Of2019 {
            for (name, place) in self.schemas("dependentRequired")? {
                let names = self.names(place)?;
                self.checks.push(Check::DependentRequired(name, names));
            }
            members.extend(self.schemas("dependentSchemas")?);
        } else {
            members.extend(self.schemas("dependencies")?);
        }
        for (name, place) in members {
            let check = if place.kind() == Kind::Array && self.draft() < Draft::Of2019 {
                Check::DependentRequired(name, self.names(place)?)
            } else {
                Check::DependentSchema(name, self.builder.node(place)?)
            };
            self.checks.push(check);
        }
        Ok(())
    }

    fn arrays(&mut self) -> Outcome {
        if let Some(least) = self.count("minItems")? {
            self.checks.push(Check::MinItems(least));
        }
        if let Some(most) = self.count("maxItems")? {
            self.checks.push(Check::MaxItems(most));
        }
        if let Some(place) = self.place.get("uniqueItems") {
            match place.as_bool() {
                Some(true) => self.checks.push(Check::Unique),
                Some(false) => {}
                None => return self.refuse(place, "`uniqueItems` is not true or false"),
            }
        }
        self.items()?;
        self.contains()
    }

    /// `prefixItems` and `items`, or the list form of `items` with `additionalItems`.
    fn items(&mut self) -> Outcome {
        let items = self.place.get("items");
        let listed = items.filter(|items| items.kind() == Kind::Array);
        let (prefix, rest) = match listed {
            Some(_) => (listed, self.place.get("additionalItems")),
            None => (self.since(Draft::Of2020, "prefixItems"), items),
        };
        if let Some(place) = prefix.filter(|place| place.kind() != Kind::Array) {
            return self.refuse(place, "`prefixItems` is not a list of schemas");
        }
        let elements = prefix.into_iter().flat_map(|place| place.elements());
        let prefix = elements.map(|place| self.builder.node(place)).collect::<Result<Vec<_>, _>>()?;
        let rest = rest.map(|place| self.builder.node(place)).transpose()?;
        if rest.is_some() || !prefix.is_empty() {
            self.checks.push(Check::Items { prefix, rest });
        }
        Ok(())
    }

    fn contains(&mut self) -> Outcome {
        let Some(place) = self.place.get("contains") else { return Ok(()) };
        let node = self.builder.node(place)?;
        let (mut least, mut most) = (1, None);
        if self.draft() >= Draft::Of2019 {
            least = self.count("minContains")?.unwrap_or(1);
            most = self.count("maxContains")?;
        }
        self.checks.push(Check::Contains { node, least, most });
        Ok(())
    }

    fn combinations(&mut self) -> Outcome {
        for (name, make) in
            [("allOf", Check::All as fn(Vec<usize>) -> Check), ("anyOf", Check::Any), ("oneOf", Check::One)]
        {
            let Some(place) = self.place.get(name) else { continue };
            if place.elements().next().is_none() {
                return self.refuse(place, "not a list of schemas");
            }
            let nodes = place.elements().map(|schema| self.builder.node(schema));
            let check = make(nodes.collect::<Result<_, _>>()?);
            self.checks.push(check);
        }
        if let Some(place) = self.place.get("not") {
            let node = self.builder.node(place)?;
            self.checks.push(Check::Not(node));
        }
        let Some(condition) = self.since(Draft::Seven, "if") else { return Ok(()) };
        let condition = self.builder.node(condition)?;
        let then = self.place.get("then").map(|place| self.builder.node(place)).transpose()?;
        let otherwise = self.place.get("else").map(|place| self.builder.node(place)).transpose()?;
        self.checks.push(Check::If { condition, then, otherwise });
        Ok(())
    }
}
