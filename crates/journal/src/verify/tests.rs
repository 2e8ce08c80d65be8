//! Any change to a journal is found; the reference is the untouched text.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::key::Signer;

/// A journal in memory: its segments, each with its first record's number.
#[derive(Clone, Debug)]
struct Text {
    segments: Vec<(u64, Vec<u8>)>,
}

impl Text {
    /// Records as told: `c` a checkpoint, `|` the next segment, anything else an ordinary record.
    fn written(script: &str, signer: &Signer) -> Text {
        let mut chain = Chain::START;
        let mut segments = vec![(1, Vec::new())];
        for step in script.chars() {
            if step == '|' {
                segments.push((chain.next_seq, Vec::new()));
                continue;
            }
            let lines = &mut segments.last_mut().unwrap().1;
            match step {
                'c' => {
                    let members = format!(",\"kind\":\"checkpoint\",\"key_id\":\"{}\"", signer.public().id());
                    chain.seal_signed(lines, members.as_bytes(), signer);
                }
                other => {
                    let members = format!(",\"kind\":\"decision\",\"tool\":\"{other} \\\"é\"");
                    chain.seal(lines, members.as_bytes());
                }
            }
        }
        Text { segments }
    }

    fn verified(&self, signer: &Signer, expect_seq: Option<u64>) -> Report {
        let mut verifier = Verifier::new(signer.public().clone());
        for (position, (first_seq, lines)) in self.segments.iter().enumerate() {
            let last = position + 1 == self.segments.len();
            let position = if last { Position::Last } else { Position::Inner };
            verifier.segment("segment", *first_seq, lines.as_slice(), position).unwrap();
        }
        verifier.finish(expect_seq)
    }

    fn lines(&self) -> Vec<Vec<u8>> {
        self.segments
            .iter()
            .flat_map(|(_, text)| text.split_inclusive(|byte| *byte == b'\n'))
            .map(<[u8]>::to_vec)
            .collect()
    }

    /// The same segments, cut at the same numbers of lines, with other lines.
    fn with_lines(&self, lines: &[Vec<u8>]) -> Text {
        let mut rest = lines;
        let mut segments = Vec::new();
        for (position, (first_seq, text)) in self.segments.iter().enumerate() {
            let count = text.iter().filter(|byte| **byte == b'\n').count().min(rest.len());
            let count = if position + 1 == self.segments.len() { rest.len() } else { count };
            let (these, others) = rest.split_at(count);
            segments.push((*first_seq, these.concat()));
            rest = others;
        }
        Text { segments }
    }
}

fn signer() -> Signer {
    Signer::from_text(&"07".repeat(32)).unwrap()
}

fn script() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-b]([a-b]|c){3,12}(\\|[a-b]([a-b]|c){1,6}){0,2}").unwrap()
}

#[test]
fn a_good_journal_is_good() {
    let report = Text::written("caab|acb|b", &signer()).verified(&signer(), Some(8));
    assert!(report.is_ok(), "{report:?}");
    assert_eq!((report.records, report.first_seq, report.last_seq, report.segments), (8, 1, 8, 3));
    assert_eq!((report.checkpoints, report.last_signed_seq, report.unsigned_tail()), (2, Some(6), 2));
}

#[test]
fn faults_tell_their_place() {
    let text = Text::written("ca|aca", &signer());
    let mut lines = text.lines();
    lines[3][20] ^= 1;
    let (place, fault) = text.with_lines(&lines).verified(&signer(), None).fault.unwrap();
    assert_eq!((place.line, place.seq, fault), (2, 4, Fault::Edited));
}

#[test]
fn a_cut_end_is_found_with_the_expected_number_only() {
    let text = Text::written("caca", &signer());
    let lines = text.lines();
    let cut = text.with_lines(&lines[..3]);
    assert!(cut.verified(&signer(), None).is_ok());
    let (_, fault) = cut.verified(&signer(), Some(4)).fault.unwrap();
    assert_eq!(fault, Fault::CutShort { last_seq: 3, expected: 4 });
}

#[test]
fn a_record_replaced_by_another_good_one_breaks_the_chain_after_it() {
    let text = Text::written("abac", &signer());
    let mut lines = text.lines();
    let link = Link::parse(lines[1].strip_suffix(b"\n").unwrap()).unwrap();
    let (mut chain, mut replaced) = (Chain { next_seq: link.seq, prev: link.prev }, Vec::new());
    chain.seal(&mut replaced, b",\"kind\":\"decision\",\"tool\":\"other\"");
    lines[1] = replaced;
    let (place, fault) = text.with_lines(&lines).verified(&signer(), None).fault.unwrap();
    assert_eq!((place.seq, fault), (3, Fault::Unchained));
}

#[test]
fn a_missing_beginning_needs_a_signed_reason() {
    let text = Text::written("ca|aca", &signer());
    let without = Text { segments: text.segments[1..].to_vec() };
    let (_, fault) = without.verified(&signer(), None).fault.unwrap();
    assert_eq!(fault, Fault::NoBeginning { first_seq: 3 });
}

#[test]
fn a_prune_record_vouches_for_what_it_names_and_no_more() {
    let check = |last_seq: u64, last_hash: Option<Hash>, good: bool| {
        let signer = signer();
        let mut chain = Chain::START;
        let (mut removed, mut kept) = (Vec::new(), Vec::new());
        chain.seal(&mut removed, b",\"kind\":\"a\"");
        chain.seal(&mut removed, b",\"kind\":\"b\"");
        let hash = last_hash.unwrap_or(chain.prev);
        chain.seal(&mut kept, b",\"kind\":\"c\"");
        let members = format!(
            ",\"kind\":\"prune\",\"pruned\":{{\"first_seq\":1,\"last_seq\":{last_seq},\"last_hash\":\"{hash}\"}},\"key_id\":\"{}\"",
            signer.public().id()
        );
        chain.seal_signed(&mut kept, members.as_bytes(), &signer);
        let report = Text { segments: vec![(3, kept)] }.verified(&signer, None);
        assert_eq!(report.is_ok(), good, "{report:?}");
    };
    check(2, None, true);
    check(2, Some(Hash::ZERO), false);
    check(1, None, false);
    // A removal that a crash cut off: more is there than need be.
    check(3, Some(Hash::ZERO), true);
}

#[test]
fn other_keys_do_not_pass() {
    let text = Text::written("aca", &signer());
    let other = Signer::from_text(&"08".repeat(32)).unwrap();
    let (place, fault) = text.verified(&other, None).fault.unwrap();
    assert_eq!(place.seq, 2);
    assert!(matches!(fault, Fault::OtherKey { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_changed_byte_is_found(script in script(), at in any::<Index>(), mask in 1u8..=255) {
        let text = Text::written(&script, &signer());
        let last = text.lines().len() as u64;
        let mut lines = text.lines();
        let mut at = at.index(lines.iter().map(Vec::len).sum());
        let line = lines.iter_mut().find(|line| if at < line.len() { true } else { at -= line.len(); false }).unwrap();
        line[at] ^= mask;
        let changed = text.with_lines(&lines);
        prop_assert!(!changed.verified(&signer(), Some(last)).is_ok());
        // Without the expected number, only what looks like a crash in mid-write passes, and is told.
        let report = changed.verified(&signer(), None);
        prop_assert!(!report.is_ok() || report.torn_bytes > 0);
    }

    #[test]
    fn every_removed_record_is_found(script in script(), at in any::<Index>()) {
        let text = Text::written(&script, &signer());
        let mut lines = text.lines();
        let last = lines.len() as u64;
        lines.remove(at.index(lines.len()));
        prop_assert!(!text.with_lines(&lines).verified(&signer(), Some(last)).is_ok());
    }

    #[test]
    fn every_swap_and_copy_is_found(script in script(), one in any::<Index>(), two in any::<Index>()) {
        let text = Text::written(&script, &signer());
        let lines = text.lines();
        let (one, two) = (one.index(lines.len()), two.index(lines.len()));
        let mut copied = lines.clone();
        copied.insert(two, lines[one].clone());
        prop_assert!(!text.with_lines(&copied).verified(&signer(), None).is_ok());
        if one != two {
            let mut swapped = lines;
            swapped.swap(one, two);
            prop_assert!(!text.with_lines(&swapped).verified(&signer(), None).is_ok());
        }
    }

    #[test]
    fn swapped_or_missing_segments_are_found(script in script()) {
        let text = Text::written(&script, &signer());
        if text.segments.len() > 1 {
            let mut swapped = text.clone();
            let first = swapped.segments[0].1.clone();
            swapped.segments[0].1 = std::mem::replace(&mut swapped.segments[1].1, first);
            prop_assert!(!swapped.verified(&signer(), None).is_ok());
            let mut missing = text;
            missing.segments.remove(0);
            prop_assert!(!missing.verified(&signer(), None).is_ok());
        }
    }

    /// Whoever edits a record and computes all hashes anew is found out by the next checkpoint.
    #[test]
    fn a_chain_computed_anew_does_not_pass_a_checkpoint(script in script(), at in any::<Index>()) {
        let text = Text::written(&script, &signer());
        let mut lines = text.lines();
        let at = at.index(lines.len());
        let mut chain = Chain::START;
        let mut signed_after = false;
        for (position, line) in lines.iter_mut().enumerate() {
            let old = line.strip_suffix(b"\n").unwrap().to_vec();
            let link = Link::parse(&old).unwrap();
            signed_after |= position >= at && old.windows(10).any(|part| part == b"checkpoint");
            // All between `seq` and `prev` stays, signatures too; the edited record gets one more member.
            let comma = old.iter().position(|byte| *byte == b',').unwrap();
            let mut members = old[comma..link.hashed.len() - 74].to_vec();
            if position == at {
                members.splice(0..0, *b",\"x\":1");
            }
            line.clear();
            chain.seal(line, &members);
        }
        let report = text.with_lines(&lines).verified(&signer(), Some(lines.len() as u64));
        prop_assert_eq!(report.is_ok(), !signed_after);
        prop_assert!(!report.is_ok() || report.unsigned_tail() >= (lines.len() - at) as u64);
    }
}
