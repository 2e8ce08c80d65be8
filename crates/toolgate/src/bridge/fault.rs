//! Why a request has no answer of the gateway, in words for the client.

use http::StatusCode;
use toolgate_json::write_string;

use super::endpoint::SendError;

/// What went wrong with a request.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was never sent.
    Unreachable(String),
    /// It may have been acted on, but its answer is lost.
    Broken(String),
    /// The gateway refused it with a status.
    Refused {
        /// The status.
        status: StatusCode,
        /// What the answer's body said, if it said something.
        message: Option<String>,
    },
}

impl From<SendError> for Fault {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unreachable { .. } => {
                Self::Unreachable(format!("{error}; is it running? start it with `toolgate up`"))
            }
            SendError::Insecure { .. } => Self::Unreachable(format!(
                "{error}; if its certificate is of your own, name it in the variable SSL_CERT_FILE"
            )),
            SendError::Broken(_) => Self::Broken(error.to_string()),
        }
    }
}

impl Fault {
    /// The error answer to the request of that id, given in its own bytes.
    pub(super) fn answer(&self, id: &str) -> Vec<u8> {
        let mut out =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{},\"message\":", self.code())
                .into_bytes();
        write_string(&self.message(), &mut out);
        out.extend_from_slice(b"}}");
        out
    }

    /// As the gateway's own codes, these are the HTTP status times ten, outside the protocol's range.
    fn code(&self) -> u32 {
        match self {
            Self::Unreachable(_) => 5030,
            Self::Broken(_) => 5020,
            Self::Refused { status, .. } => u32::from(status.as_u16()) * 10,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unreachable(reason) | Self::Broken(reason) => reason.clone(),
            Self::Refused { status, message } => {
                let said = message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
                format!("the gateway refused the request ({status}){said}{}", advice(*status))
            }
        }
    }
}

/// What to do about a status.
fn advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => {
            "; check the token in TOOLGATE_TOKEN: `toolgate grant list` tells which grants are valid"
        }
        StatusCode::NOT_FOUND => "; check the server's name in the URL, and that the grant includes it",
        StatusCode::FORBIDDEN => "; check the host name in the URL: the gateway answers to few",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "; try again later",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_to_do() {
        let fault = Fault::Refused { status: StatusCode::UNAUTHORIZED, message: None };
        let expected = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":4010,\"message\":\"the gateway refused \
             the request (401 Unauthorized); check the token in TOOLGATE_TOKEN: `toolgate grant list` tells which \
             grants are valid\"}}";
        assert_eq!(String::from_utf8(fault.answer("\"a\"")).unwrap(), expected);
    }
}
