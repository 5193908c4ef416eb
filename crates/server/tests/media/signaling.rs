//! What signaling carries between a worker and a client, in the types of either. Tests inside the
//! crate use this file as well.

use serde_json::json;
use tureen_controller::{DtlsParameters, IceParameters, Protocol};
use tureen_peer::{
    DtlsFingerprint, DtlsRole, IceCandidate, IceProtocol, LocalParameters, RemoteParameters,
};

/// What the worker is told of a client, which sends the ClientHello.
pub(crate) fn dtls_parameters(local: &LocalParameters) -> DtlsParameters {
    let fingerprint = json!({ "algorithm": "sha-256", "value": local.fingerprint.value() });
    let parameters = json!({ "role": "client", "fingerprints": [fingerprint] });
    serde_json::from_value(parameters).unwrap()
}

/// What a client is told of a transport.
pub(crate) fn remote_parameters(
    ice: IceParameters,
    candidates: &[tureen_controller::IceCandidate],
    dtls: &DtlsParameters,
) -> RemoteParameters {
    let candidates = candidates.iter().map(|one| IceCandidate {
        foundation: one.foundation.clone(),
        priority: one.priority,
        address: one.address.parse().unwrap(),
        protocol: match one.protocol {
            Protocol::Udp => IceProtocol::Udp,
            Protocol::Tcp => IceProtocol::Tcp,
        },
        port: one.port,
    });
    let fingerprints = serde_json::to_value(&dtls.fingerprints).unwrap();
    let fingerprints = fingerprints.as_array().unwrap().iter();
    RemoteParameters {
        username_fragment: ice.username_fragment,
        password: ice.password,
        candidates: candidates.collect(),
        dtls_role: DtlsRole::Auto,
        // A client knows no SHA-1 and no SHA-224.
        fingerprints: fingerprints
            .filter_map(|one| {
                let (algorithm, value) = (one["algorithm"].as_str()?, one["value"].as_str()?);
                DtlsFingerprint::new(algorithm, value).ok()
            })
            .collect(),
    }
}
