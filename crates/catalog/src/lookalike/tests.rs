//! Each trick, honest names, and properties over names made by chance.

use proptest::prelude::*;

use super::*;

fn told(known: &[&str], name: &str) -> Option<(String, Trick)> {
    KnownNames::new(known).look(name).map(|found| (found.known, found.trick))
}

#[test]
fn each_trick_is_found() {
    const OFFICIAL: &str = "@modelcontextprotocol/server-filesystem";
    for (known, name, trick) in [
        (OFFICIAL, "@modelcontextprotoco1/server-filesystem", Trick::Confusable),
        (OFFICIAL, "@modelcontextprotocоl/server-filesystem", Trick::Confusable),
        (OFFICIAL, "@modelcontextprotocol/server\u{200b}-filesystem", Trick::Confusable),
        (OFFICIAL, "@modelcontextprotocols/server-filesystem", Trick::Publisher),
        (OFFICIAL, "@model-context-protocol/server-filesystem", Trick::Publisher),
        (OFFICIAL, "@modelcontextprotcol/anything", Trick::Publisher),
        (OFFICIAL, "modelcontextprotocol-server-filesystem", Trick::Separators),
        ("mcp-server-sqlite", "mcpserversqlite", Trick::Separators),
        ("mcp-server-sqlite", "mcp-server_sqlite", Trick::Separators),
        ("mcp-server-sqlite", "server-sqlite-mcp", Trick::WordOrder),
        ("mongodb-mcp-server", "mcp-server-mongodb", Trick::WordOrder),
        ("mongodb-mcp-server", "mongobd-mcp-server", Trick::Misspelling),
        ("mongodb-mcp-server", "mongodbb-mcp-server", Trick::Misspelling),
        ("firecrawl-mcp", "firecrawI-mcp", Trick::Misspelling),
        ("github-mcp", "g1thub-mcp", Trick::Misspelling),
        ("mcp-server-terraform", "mcp-server-terraforrn", Trick::Confusable),
        ("figma", "f\u{456}gma", Trick::Confusable),
    ] {
        let found = told(&[known], name);
        assert_eq!(found, Some((known.to_owned(), trick)), "{name}");
    }
}

#[test]
fn honest_names_are_left_alone() {
    for (known, name) in [
        ("@modelcontextprotocol/server-gitlab", "@modelcontextprotocol/server-github"),
        ("mcp-server-time", "mcp-server-tide"),
        ("mcp-server-git", "mcp-server-gin"),
        ("@netlify/mcp", "@vercel/mcp"),
        ("@stripe/mcp", "@someone/stripe-mcp"),
        ("mcp-server-qdrant", "mcp-server-redis"),
        ("GitHub", "github"),
        ("elevenlabs-mcp", "ELEVENLABS-MCP"),
        ("thing-mcp-2", "thing-mcp-3"),
        ("a-very-long-service-v1", "a-very-long-service-v2"),
        ("", ""),
        ("github", ""),
    ] {
        assert_eq!(told(&[known], name), None, "{known} {name}");
    }
}

#[test]
fn the_surest_sign_is_told_whatever_the_order() {
    let (one, two) = ("mongodb-mcp-server", "mongodc-mcp-server");
    let expected = Some((one.to_owned(), Trick::Confusable));
    assert_eq!(told(&[one, two], "m0ngodb-mcp-server"), expected);
    assert_eq!(told(&[two, one], "m0ngodb-mcp-server"), expected);
}

#[test]
fn well_known_names_are_not_taken_for_each_other() {
    for name in well_known() {
        let others = well_known().iter().filter(|other| *other != name);
        assert_eq!(KnownNames::new(others).look(name), None, "{name}");
    }
    assert_eq!(KnownNames::new(well_known()).len(), well_known().len());
}

/// Letters with one that looks the same in another script.
const TWINS: [(char, char); 8] =
    [('a', 'а'), ('c', 'с'), ('e', 'е'), ('i', 'і'), ('o', 'ο'), ('p', 'р'), ('x', 'х'), ('y', 'у')];

fn index(length: usize) -> impl Strategy<Value = prop::sample::Index> {
    assert!(length > 0);
    any::<prop::sample::Index>()
}

proptest! {
    #[test]
    fn no_name_looks_like_itself(names in prop::collection::vec(".{0,40}", 1..8)) {
        let known = KnownNames::new(&names);
        for name in &names {
            prop_assert_eq!(known.look(name), None);
        }
    }

    #[test]
    fn one_twin_letter_is_found(at in index(1), which in index(1)) {
        let name = at.get(well_known());
        let places: Vec<(usize, char)> = name.char_indices()
            .filter_map(|(at, c)| Some((at, TWINS.iter().find(|(plain, _)| *plain == c)?.1))).collect();
        prop_assume!(!places.is_empty());
        let (place, twin) = which.get(&places);
        let mut fake = name.to_string();
        fake.replace_range(*place..=*place, &twin.to_string());
        let found = KnownNames::new(well_known()).look(&fake);
        prop_assert_eq!(found, Some(LookAlike { known: name.to_string(), trick: Trick::Confusable }));
    }

    #[test]
    fn one_slip_in_a_long_name_is_found(name in "[a-z]{6,20}", at in index(1), letter in "[a-z]", kind in 0..4) {
        let mut letters: Vec<char> = name.chars().collect();
        let place = at.index(letters.len());
        let other = letter.chars().next().unwrap();
        match kind {
            0 => letters[place] = other,
            1 => letters.insert(place, other),
            2 if letters.len() > ONE_EDIT => { letters.remove(place); }
            _ => { let next = (place + 1).min(letters.len() - 1); letters.swap(place, next); }
        }
        let slip: String = letters.into_iter().collect();
        prop_assume!(slip != name);
        let (known, fake) = (format!("{name}-mcp"), format!("{slip}-mcp"));
        // Where the slip makes a word that many have, nothing is left to compare.
        prop_assume!(!COMMON.contains(&slip.as_str()) && !COMMON.contains(&name.as_str()));
        prop_assert!(told(&[&known], &fake).is_some(), "{} {}", known, fake);
    }

    #[test]
    fn whatever_stands_there_is_compared(known in ".{0,200}", name in ".{0,200}") {
        let found = KnownNames::new([&known]).look(&name);
        if let Some(found) = found {
            prop_assert_ne!(found.known, name);
        }
    }
}
