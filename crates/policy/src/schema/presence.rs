//! Whether a schema names an argument, and whether it must be given: for warnings about rules that
//! read something else than their author thinks.

use std::collections::HashSet;

use super::check::{Check, Node};
use crate::path::Step;

/// What a schema says of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It must be given, and all that leads to it.
    Required,
    /// It may be left out.
    Optional,
    /// The schema does not name it.
    Unnamed,
}

pub(super) fn of(nodes: &[Node], steps: &[Step]) -> Presence {
    let mut places = vec![0];
    let mut required = true;
    for step in steps {
        let applied = applied(nodes, &places);
        let mut next = Vec::new();
        let mut must = false;
        for (node, always) in &applied {
            for check in nodes.get(*node).map_or(&[][..], |node| &node.checks) {
                match (check, step) {
                    (Check::Properties(properties), Step::Name(name)) => {
                        next.extend(properties.named(name));
                    }
                    (Check::Required(names), Step::Name(name)) => must |= *always && names.contains(name),
                    (Check::Items { prefix, rest }, Step::Index(index)) => {
                        next.extend(prefix.get(*index).copied().or(*rest));
                    }
                    (Check::Items { prefix, rest }, Step::Each) => {
                        next.extend(prefix.iter().copied().chain(*rest))
                    }
                    _ => {}
                }
            }
        }
        if next.is_empty() {
            return Presence::Unnamed;
        }
        required &= must || !matches!(step, Step::Name(_));
        places = next;
    }
    if required { Presence::Required } else { Presence::Optional }
}

/// The nodes that apply to the same value, and whether they always do.
fn applied(nodes: &[Node], places: &[usize]) -> Vec<(usize, bool)> {
    let mut open: Vec<(usize, bool)> = places.iter().map(|place| (*place, places.len() == 1)).collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    while let Some((place, always)) = open.pop() {
        if !seen.insert((place, always)) {
            continue;
        }
        found.push((place, always));
        for check in nodes.get(place).map_or(&[][..], |node| &node.checks) {
            match check {
                Check::Reference(node) => open.push((*node, always)),
                Check::All(inner) => open.extend(inner.iter().map(|node| (*node, always))),
                Check::Any(inner) | Check::One(inner) => open.extend(inner.iter().map(|node| (*node, false))),
                Check::DependentSchema(_, node) => open.push((*node, false)),
                Check::If { condition, then, otherwise } => {
                    let inner = [Some(*condition), *then, *otherwise];
                    open.extend(inner.into_iter().flatten().map(|node| (node, false)));
                }
                _ => {}
            }
        }
    }
    found
}
