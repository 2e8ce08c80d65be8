//! Offline verification: reads a journal as a stream, recomputes every hash, and checks order, chain and
//! signatures. Finds any edited, reordered, removed or inserted record before the last signed one, and tells
//! how many follow it. Opens no file; [`crate::verify_directory`] feeds it a journal's files.

mod fault;
mod report;

use std::io::{self, BufRead};

use serde::Deserialize;

pub use fault::{Fault, Place};
pub use report::Report;

use crate::chain::{Chain, Link};
use crate::hash::Hash;
use crate::key::PublicKey;
use crate::lines::{Line, read_line};
use crate::view::PrunedView;

/// Whether more segments follow the one being read: only the last may end in a torn line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Others follow.
    Inner,
    /// It is the newest.
    Last,
}

/// Verifies the segments of one journal, given in order. Holds one line and the state of the chain.
#[derive(Debug)]
pub struct Verifier {
    key: PublicKey,
    chain: Option<Chain>,
    report: Report,
    /// Where the journal begins when its beginning was removed: no prune record vouched for it so far.
    unexplained_start: Option<Chain>,
    line: Vec<u8>,
}

impl Verifier {
    /// A verifier for a journal signed by `key`.
    pub fn new(key: PublicKey) -> Verifier {
        Verifier { key, chain: None, report: Report::default(), unexplained_start: None, line: Vec::new() }
    }

    /// Reads one segment. `name` is used in the report; `first_seq` is the sequence number that the
    /// segment's name promises. After a fault further segments are not looked at.
    pub fn segment(
        &mut self,
        name: &str,
        first_seq: u64,
        mut reader: impl BufRead,
        position: Position,
    ) -> io::Result<()> {
        if self.report.fault.is_some() {
            return Ok(());
        }
        self.report.segments += 1;
        let mut line = std::mem::take(&mut self.line);
        let mut number = 0;
        loop {
            let kind = read_line(&mut reader, &mut line)?;
            number += 1;
            let checked = match kind {
                Line::End => break,
                Line::Whole => self.check(&line, (number == 1).then_some(first_seq)),
                Line::Torn if position == Position::Last => {
                    self.report.torn_bytes = line.len() as u64;
                    break;
                }
                Line::Torn => Err(Fault::Torn),
                Line::TooLong => Err(Fault::TooLong),
            };
            if let Err(fault) = checked {
                let seq = self.chain.map_or(first_seq, |chain| chain.next_seq);
                self.report.fault = Some((Place { file: name.to_owned(), line: number, seq }, fault));
                break;
            }
        }
        self.line = line;
        Ok(())
    }

    /// Ends the verification. `expect_seq` is a sequence number that the journal is known to have reached:
    /// a journal that ends before it was cut short.
    pub fn finish(mut self, expect_seq: Option<u64>) -> Report {
        if self.report.fault.is_none() {
            let fault = match (self.unexplained_start, expect_seq) {
                (Some(start), _) => Some(Fault::NoBeginning { first_seq: start.next_seq }),
                (None, Some(expected)) if self.report.last_seq < expected => {
                    Some(Fault::CutShort { last_seq: self.report.last_seq, expected })
                }
                (None, _) => None,
            };
            let place = Place { file: String::new(), line: 0, seq: self.report.last_seq };
            self.report.fault = fault.map(|fault| (place, fault));
        }
        self.report
    }

    /// Checks one line; `first_seq` is what the segment's name promises of its first line.
    fn check(&mut self, line: &[u8], first_seq: Option<u64>) -> Result<(), Fault> {
        let link =
            Link::parse(line).ok_or(Fault::NotARecord { reason: "not laid out as a record".to_owned() })?;
        if let Some(promised) = first_seq.filter(|promised| *promised != link.seq) {
            return Err(Fault::Misnamed { promised, found: link.seq });
        }
        self.check_chain(&link)?;
        let members: Members<'_> =
            serde_json::from_slice(line).map_err(|error| Fault::NotARecord { reason: error.to_string() })?;
        self.check_signed(&link, &members)?;
        self.advance(&link)
    }

    fn check_chain(&mut self, link: &Link<'_>) -> Result<(), Fault> {
        let chain = self.chain.unwrap_or(Chain { next_seq: link.seq, prev: link.prev });
        if link.seq != chain.next_seq {
            return Err(Fault::Sequence { expected: chain.next_seq, found: link.seq });
        }
        if !link.is_intact() {
            return Err(Fault::Edited);
        }
        if link.prev != chain.prev {
            return Err(Fault::Unchained);
        }
        if self.chain.is_none() && chain != Chain::START {
            self.unexplained_start = Some(chain);
        }
        Ok(())
    }

    fn check_signed(&mut self, link: &Link<'_>, members: &Members<'_>) -> Result<(), Fault> {
        match members.kind {
            "checkpoint" => self.report.checkpoints += 1,
            "prune" => {}
            _ => return Ok(()),
        }
        if members.key_id != Some(self.key.id()) {
            let key_id = members.key_id.unwrap_or("none").to_owned();
            return Err(Fault::OtherKey { key_id, expected: self.key.id().to_owned() });
        }
        if !link.is_signed_by(&self.key) {
            return Err(Fault::Unsigned);
        }
        self.report.last_signed_seq = Some(link.seq);
        if let Some(pruned) = &members.pruned {
            let begins = Chain { next_seq: pruned.last_seq.saturating_add(1), prev: last_hash(pruned)? };
            // A crash may have left some of the files that the record says are removed, never the oldest.
            self.unexplained_start.take_if(|start| *start == begins || start.next_seq < begins.next_seq);
        }
        Ok(())
    }

    fn advance(&mut self, link: &Link<'_>) -> Result<(), Fault> {
        let chain = link
            .chain()
            .ok_or(Fault::NotARecord { reason: "the sequence number is too large".to_owned() })?;
        self.chain = Some(chain);
        self.report.advance(link.seq, link.hash);
        Ok(())
    }
}

/// The members that the verifier reads. Reading them also proves that the line is JSON and that none of
/// them stands twice.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "seq")]
    _seq: u64,
    kind: &'a str,
    key_id: Option<&'a str>,
    #[serde(borrow, default)]
    pruned: Option<PrunedView<'a>>,
    #[serde(rename = "prev")]
    _prev: &'a str,
    #[serde(rename = "hash")]
    _hash: &'a str,
}

fn last_hash(pruned: &PrunedView<'_>) -> Result<Hash, Fault> {
    Hash::from_hex(pruned.last_hash.as_bytes())
        .ok_or(Fault::NotARecord { reason: "`pruned.last_hash` is no hash".to_owned() })
}

#[cfg(test)]
mod tests;
