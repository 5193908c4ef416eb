//! Running one written case of ORTC negotiation.

use serde_json::{Map, Value, json};
use tureen_controller::ortc::{self, ConsumerNegotiation, ConsumerSsrcs, OrtcError};
use tureen_controller::rtp::{MediaKind, RtpCapabilities, RtpCodecCapability, RtpParameters, Ssrc};

/// Runs every step of one case of `tests/interop/ortc/cases.mjs`, as `evaluate.mjs` does there:
/// each step's result is `{"ok": value}` or `{"error": class}`, and a step without input is
/// absent. A step that failed in parsing says so in `parse`.
pub(crate) fn evaluate(case: &Value) -> Value {
    let mut steps = Steps(Map::new());
    run(case, &mut steps);
    Value::Object(steps.0)
}

fn run(case: &Value, steps: &mut Steps) -> Option<()> {
    let remote = steps.run("capabilities", || {
        let mut capabilities: RtpCapabilities = parse(&case["rtpCapabilities"])?;
        ortc::validate_rtp_capabilities(&mut capabilities)?;
        Ok(capabilities)
    });
    let router = steps.run("router", || {
        let media_codecs: Vec<RtpCodecCapability> = match &case["mediaCodecs"] {
            Value::Null => Vec::new(),
            given => parse(given)?,
        };
        Ok(ortc::generate_router_rtp_capabilities(&media_codecs)?)
    });
    let parameters = steps.run("parameters", || {
        let mut parameters: RtpParameters = parse(&case["rtpParameters"])?;
        ortc::validate_rtp_parameters(&mut parameters)?;
        Ok(parameters)
    });
    let (router, mut parameters) = (router?, parameters?);
    let mapping = steps.run("mapping", || {
        let ssrc = Ssrc(1_000_000);
        Ok(ortc::get_producer_rtp_parameters_mapping(
            &mut parameters,
            &router,
            ssrc,
        )?)
    })?;
    steps.run("settled", || Ok(parameters.clone()));
    let consumable = steps.run("consumable", || {
        let kind: MediaKind = parse(&case["kind"])?;
        Ok(ortc::get_consumable_rtp_parameters(
            kind,
            &parameters,
            &router,
            &mapping,
        )?)
    })?;
    let ssrcs = ConsumerSsrcs {
        media: Ssrc(2_000_000),
        rtx: Ssrc(3_000_000),
    };
    for (name, enable_rtx) in [("pipeWithRtx", true), ("pipeWithoutRtx", false)] {
        steps.run(name, || {
            Ok(ortc::get_pipe_consumer_rtp_parameters(
                &consumable,
                enable_rtx,
                ssrcs,
            ))
        });
    }
    let remote = remote?;
    steps.run("canConsume", || {
        Ok(ortc::can_consume(&consumable, &remote)?)
    });
    steps.run("consumer", || {
        let negotiation = ConsumerNegotiation {
            remote: &remote,
            pipe: parse(&case["pipe"])?,
            enable_rtx: parse(&case["enableRtx"])?,
            ssrcs,
        };
        Ok(ortc::get_consumer_rtp_parameters(&consumable, negotiation)?)
    });
    Some(())
}

struct Steps(Map<String, Value>);

impl Steps {
    fn run<T: serde::Serialize>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> Result<T, StepError>,
    ) -> Option<T> {
        let outcome = step();
        let result = match &outcome {
            Ok(value) => json!({ "ok": value }),
            Err(StepError::Parse) => json!({ "error": "TypeError", "parse": true }),
            Err(StepError::Ortc(error)) => json!({ "error": class(error) }),
        };
        self.0.insert(name.to_owned(), result);
        outcome.ok()
    }
}

enum StepError {
    Parse,
    Ortc(OrtcError),
}

impl From<OrtcError> for StepError {
    fn from(error: OrtcError) -> Self {
        Self::Ortc(error)
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, StepError> {
    serde_json::from_value(value.clone()).map_err(|_| StepError::Parse)
}

fn class(error: &OrtcError) -> &'static str {
    match error {
        OrtcError::PayloadTypesExhausted => "Error",
        error if error.is_unsupported() => "UnsupportedError",
        _ => "TypeError",
    }
}
