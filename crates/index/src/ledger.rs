//! Numbers given to names, classes and series. Kept in memory while the index is written; what is new waits
//! here until the next transaction stores it. After a failed transaction the ledger is read again.

use foldhash::HashMap;

use crate::dimension::{Class, Dimension, NameId, fit};
use crate::series::{Series, SeriesId};

/// Most names that one dimension has. Names of tools come from clients, so there must be an end to them:
/// those beyond are known as [`OTHER`], and the journal tells which they were.
const NAMES_MOST: usize = 20_000;
/// Most classes there are before tools are no longer told apart.
const CLASSES_MOST: usize = 250_000;
/// Stands for names beyond the most that are kept.
pub(crate) const OTHER: &str = "(other)";

/// A class's number in the database.
pub(crate) type ClassId = u32;

/// Numbers given, and those of them that are not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    names: [HashMap<Box<str>, NameId>; 11],
    classes: HashMap<Class, ClassId>,
    classes_by_id: HashMap<ClassId, Class>,
    series: HashMap<Series, SeriesId>,
    last: Last,
    pub(crate) fresh: Fresh,
}

/// The highest numbers given.
#[derive(Debug, Default)]
struct Last {
    name: NameId,
    class: ClassId,
    series: SeriesId,
}

/// What is not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    pub(crate) names: Vec<(NameId, Dimension, Box<str>)>,
    pub(crate) classes: Vec<(ClassId, Class)>,
    pub(crate) series: Vec<(SeriesId, Series)>,
}

impl Ledger {
    /// Takes in a stored name.
    pub(crate) fn restore_name(&mut self, id: NameId, dimension: usize, text: Box<str>) {
        if let Some(names) = self.names.get_mut(dimension) {
            names.insert(text, id);
        }
        self.last.name = self.last.name.max(id);
    }

    /// Takes in a stored class.
    pub(crate) fn restore_class(&mut self, id: ClassId, class: Class) {
        self.classes.insert(class, id);
        self.classes_by_id.insert(id, class);
        self.last.class = self.last.class.max(id);
    }

    /// Takes in a stored series.
    pub(crate) fn restore_series(&mut self, id: SeriesId, series: Series) {
        self.series.insert(series, id);
        self.last.series = self.last.series.max(id);
    }

    /// The number of a name; 0 for none.
    pub(crate) fn name(&mut self, dimension: Dimension, text: Option<&str>) -> NameId {
        let Some(text) = text else { return 0 };
        let Some(names) = self.names.get_mut(dimension as usize) else { return 0 };
        let text = fit(text);
        if let Some(id) = names.get(text) {
            return *id;
        }
        let text = if names.len() < NAMES_MOST { text } else { OTHER };
        if let Some(id) = names.get(text) {
            return *id;
        }
        self.last.name += 1;
        names.insert(text.into(), self.last.name);
        self.fresh.names.push((self.last.name, dimension, text.into()));
        self.last.name
    }

    /// The number of a name that is known already.
    pub(crate) fn known(&self, dimension: Dimension, text: &str) -> Option<NameId> {
        self.names.get(dimension as usize)?.get(text).copied()
    }

    /// The number of a class.
    pub(crate) fn class(&mut self, class: Class) -> ClassId {
        if let Some(id) = self.classes.get(&class) {
            return *id;
        }
        let class = if self.classes.len() < CLASSES_MOST || class.tool == 0 {
            class
        } else {
            Class { tool: self.name(Dimension::Tool, Some(OTHER)), ..class }
        };
        if let Some(id) = self.classes.get(&class) {
            return *id;
        }
        let id = self.last.class + 1;
        self.restore_class(id, class);
        self.fresh.classes.push((id, class));
        id
    }

    /// The class with a number.
    pub(crate) fn class_of(&self, id: ClassId) -> Option<Class> {
        self.classes_by_id.get(&id).copied()
    }

    /// The number of a series.
    pub(crate) fn series(&mut self, series: Series) -> SeriesId {
        if let Some(id) = self.series.get(&series) {
            return *id;
        }
        let id = self.last.series + 1;
        self.restore_series(id, series);
        self.fresh.series.push((id, series));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_within_its_dimension() {
        let mut ledger = Ledger::default();
        let tool = ledger.name(Dimension::Tool, Some("x"));
        let grant = ledger.name(Dimension::Grant, Some("x"));
        assert_ne!(tool, grant);
        assert_eq!(ledger.name(Dimension::Tool, Some("x")), tool);
        assert_eq!(ledger.name(Dimension::Tool, None), 0);
        assert_eq!(ledger.fresh.names.len(), 2);
    }

    #[test]
    fn names_end_somewhere() {
        let mut ledger = Ledger::default();
        for number in 0..NAMES_MOST + 50 {
            ledger.name(Dimension::Tool, Some(&format!("tool-{number}")));
        }
        let other = ledger.known(Dimension::Tool, OTHER).unwrap();
        assert_eq!(ledger.name(Dimension::Tool, Some("one more")), other);
        assert_eq!(ledger.fresh.names.len(), NAMES_MOST + 1);
    }

    #[test]
    fn classes_end_somewhere() {
        let mut ledger = Ledger::default();
        for number in 0..CLASSES_MOST + 50 {
            let number = u32::try_from(number).unwrap();
            ledger.class(Class { tool: number + 1000, ..Class::default() });
        }
        assert_eq!(ledger.fresh.classes.len(), CLASSES_MOST + 1);
    }
}
