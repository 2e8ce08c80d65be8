//! A stdio server that does what each request tells it to: the peer of the stdio leg's tests. It tells on
//! standard error each line that it gets.

#![expect(clippy::indexing_slicing, reason = "a JSON value without the member gives null")]

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

fn main() -> io::Result<ExitCode> {
    let mut held = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        writeln!(io::stderr(), "got {line}")?;
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        let code = match message.get("method").and_then(Value::as_str) {
            Some("hold") | None => None,
            Some("shuffle") => shuffle(&mut held, message)?,
            Some("exit") => number(&message, "code"),
            Some(_) if message.get("id").is_none() => None,
            Some(method) => answer(method, &message)?,
        };
        if let Some(code) = code {
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
        }
    }
    writeln!(io::stderr(), "end of input")?;
    Ok(ExitCode::SUCCESS)
}

fn answer(method: &str, message: &Value) -> io::Result<Option<u64>> {
    match method {
        "say" => say(message)?,
        "flood" => flood(message)?,
        "long" => long(message)?,
        "environment" => {
            let variables: serde_json::Map<String, Value> =
                std::env::vars().map(|(name, value)| (name, value.into())).collect();
            respond(message, &variables.into())?;
        }
        _ => respond(message, &message["params"])?,
    }
    Ok(None)
}

/// Answers fifty requests at a time, the last first.
fn shuffle(held: &mut Vec<Value>, message: Value) -> io::Result<Option<u64>> {
    held.push(message);
    if held.len() == 50 {
        for message in held.drain(..).rev() {
            respond(&message, &message["params"])?;
        }
    }
    Ok(None)
}

/// Writes the lines of `params.lines`, with the request's id for `@ID@`.
fn say(message: &Value) -> io::Result<()> {
    let id = message["id"].to_string();
    let lines = message["params"]["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    for line in lines.iter().filter_map(Value::as_str) {
        writeln!(io::stdout(), "{}", line.replace("@ID@", &id))?;
    }
    Ok(())
}

/// Writes many lines to standard error, then answers.
fn flood(message: &Value) -> io::Result<()> {
    let mut stderr = io::BufWriter::new(io::stderr().lock());
    for index in 0..number(message, "lines").unwrap_or_default() {
        writeln!(stderr, "{index} {:>200}", "flood")?;
    }
    stderr.flush()?;
    respond(message, &json!({}))
}

/// Answers with a line of at least `params.bytes` bytes; with `params.unasked`, that line has no id and a
/// short answer follows.
fn long(message: &Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let unasked = message["params"]["unasked"] == true;
    let id = if unasked { "null".to_owned() } else { message["id"].to_string() };
    write!(stdout, r#"{{"jsonrpc":"2.0","id":{id},"result":""#)?;
    let block = [b'x'; 64 << 10];
    for _ in 0..number(message, "bytes").unwrap_or_default().div_ceil(64 << 10) {
        stdout.write_all(&block)?;
    }
    writeln!(stdout, "\"}}")?;
    drop(stdout);
    if unasked { respond(message, &json!({})) } else { Ok(()) }
}

fn respond(message: &Value, result: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{}", json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
}

fn number(message: &Value, name: &str) -> Option<u64> {
    message["params"][name].as_u64()
}
