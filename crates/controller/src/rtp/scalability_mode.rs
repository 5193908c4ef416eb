//! Scalability modes such as `L3T3_KEY`.

/// Number of spatial and temporal layers of a stream, as in WebRTC-SVC's `L3T3_KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalabilityMode {
    /// Spatial layers, 1..=99.
    pub spatial_layers: u8,
    /// Temporal layers, 1..=99.
    pub temporal_layers: u8,
    /// Whether upper spatial layers depend on lower ones in key pictures only (K-SVC).
    pub ksvc: bool,
}

impl ScalabilityMode {
    /// Reads `L<s>T<t>`, `S<s>T<t>` and either with `_KEY`. What follows is ignored, and any
    /// other text means one layer of each, as mediasoup reads it.
    pub fn parse(text: &str) -> Self {
        Self::parse_exact(text).unwrap_or(Self::SINGLE)
    }

    fn parse_exact(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(['L', 'S'])?;
        let (spatial_layers, rest) = layer_count(rest)?;
        let (temporal_layers, rest) = layer_count(rest.strip_prefix('T')?)?;
        Some(Self {
            spatial_layers,
            temporal_layers,
            ksvc: rest.starts_with("_KEY"),
        })
    }

    const SINGLE: Self = Self {
        spatial_layers: 1,
        temporal_layers: 1,
        ksvc: false,
    };
}

/// One or two digits, the first of them not zero, and the text after them.
fn layer_count(text: &str) -> Option<(u8, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    if number.starts_with('0') {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_mediasoup_reads_them() {
        for (text, spatial_layers, temporal_layers, ksvc) in [
            ("L1T3", 1, 3, false),
            ("S3T3", 3, 3, false),
            ("L3T2_KEY", 3, 2, true),
            ("L3T2_KEY_SHIFT", 3, 2, true),
            ("L10T20x", 10, 20, false),
            ("", 1, 1, false),
            ("foo", 1, 1, false),
            ("l1t2", 1, 1, false),
            ("L0T1", 1, 1, false),
            ("S2T0", 1, 1, false),
            ("LT3", 1, 1, false),
            ("L100T3", 1, 1, false),
            ("Lé", 1, 1, false),
        ] {
            let expected = ScalabilityMode {
                spatial_layers,
                temporal_layers,
                ksvc,
            };
            assert_eq!(ScalabilityMode::parse(text), expected, "{text}");
        }
    }
}
