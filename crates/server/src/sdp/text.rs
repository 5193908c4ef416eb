//! The grammar that all descriptions share (RFC 8866 §5): lines, attributes, sections.

use super::SdpError;
use super::error::Place;

/// A description cut into lines; nothing of it is understood yet.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) session: Attributes<'a>,
    pub(super) media: Vec<MediaText<'a>>,
}

/// One media section.
#[derive(Debug)]
pub(super) struct MediaText<'a> {
    /// The value of its `m=` line.
    pub(super) line: &'a str,
    pub(super) attributes: Attributes<'a>,
}

/// The `a=` lines of one section, in order.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    place: Place,
    list: Vec<(&'a str, &'a str)>,
}

impl<'a> Text<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, SdpError> {
        if text.len() > MAX_LENGTH {
            return Err(SdpError::TooLarge("bytes"));
        }
        let mut session = Attributes::new(Place::Session);
        let mut media: Vec<MediaText<'a>> = Vec::new();
        let mut lines = text.lines().enumerate();
        match lines.next() {
            Some((_, "v=0")) => {}
            _ => return Err(line_error(0, "the first line must be v=0")),
        }
        for (index, line) in lines {
            if index >= MAX_LINES {
                return Err(SdpError::TooLarge("lines"));
            }
            if line.is_empty() {
                continue;
            }
            // "any byte except NUL, CR, or LF" (RFC 8866 §9): what we repeat to others must not be
            // able to start a line of its own.
            if line.bytes().any(|byte| matches!(byte, 0 | b'\r')) {
                return Err(line_error(index, "it holds a NUL or a CR"));
            }
            let (kind, value) = line
                .split_once('=')
                .ok_or_else(|| line_error(index, "there is no '='"))?;
            match kind {
                "m" => {
                    if media.len() == MAX_SECTIONS {
                        return Err(SdpError::TooLarge("media sections"));
                    }
                    media.push(MediaText {
                        line: value,
                        attributes: Attributes::new(Place::Media(media.len())),
                    });
                }
                "a" => {
                    let attribute = value.split_once(':').unwrap_or((value, ""));
                    let attributes = match media.last_mut() {
                        Some(section) => &mut section.attributes,
                        None => &mut session,
                    };
                    attributes.list.push(attribute);
                }
                "v" | "o" | "s" | "i" | "u" | "e" | "p" | "c" | "b" | "t" | "r" | "z" | "k" => {}
                _ => return Err(line_error(index, "its letter is unknown")),
            }
        }
        Ok(Self { session, media })
    }
}

impl<'a> Attributes<'a> {
    fn new(place: Place) -> Self {
        Self {
            place,
            list: Vec::new(),
        }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The value of the first attribute of this name.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The values of all attributes of this name, in order.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        self.list
            .iter()
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| *value)
    }

    /// The error for an attribute of this section that cannot be read.
    pub(super) fn malformed(&self, attribute: &'static str) -> SdpError {
        SdpError::Malformed {
            section: self.place,
            attribute,
        }
    }
}

fn line_error(index: usize, reason: &'static str) -> SdpError {
    SdpError::Line {
        line: index + 1,
        reason,
    }
}

/// A Chromium offer takes about 3,000 bytes a video section.
const MAX_LENGTH: usize = 256 * 1024;
const MAX_LINES: usize = 8 * 1024;
pub(super) const MAX_SECTIONS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_belong_to_the_section_they_stand_in() {
        let text =
            Text::parse("v=0\r\na=x:1\r\nm=audio 9 P 0\r\na=x:2\r\na=flag\r\na=x:3\r\n").unwrap();
        assert_eq!(text.session.get("x"), Some("1"));
        let audio = &text.media[0].attributes;
        assert_eq!(audio.all("x").collect::<Vec<_>>(), ["2", "3"]);
        assert!(audio.has("flag"));
        assert!(!text.session.has("flag"));
    }

    #[test]
    fn what_is_not_sdp_names_its_line() {
        let refused = |text: &str| Text::parse(text).unwrap_err().to_string();
        assert_eq!(refused(""), "line 1 is not SDP: the first line must be v=0");
        assert_eq!(
            refused("v=1\r\n"),
            "line 1 is not SDP: the first line must be v=0"
        );
        assert_eq!(
            refused("v=0\r\nhello\r\n"),
            "line 2 is not SDP: there is no '='"
        );
        assert_eq!(
            refused("v=0\ns=-\nxx=1\n"),
            "line 3 is not SDP: its letter is unknown"
        );
        assert_eq!(
            refused("v=0\na=x\ry\n"),
            "line 2 is not SDP: it holds a NUL or a CR"
        );
    }

    #[test]
    fn sizes_have_limits() {
        let long = format!("v=0\n{}", "a=x\n".repeat(MAX_LINES));
        assert_eq!(Text::parse(&long).unwrap_err(), SdpError::TooLarge("lines"));
        let wide = format!("v=0\n{}", "m=audio 9 P 0\n".repeat(MAX_SECTIONS + 1));
        assert_eq!(
            Text::parse(&wide).unwrap_err(),
            SdpError::TooLarge("media sections")
        );
        let huge = format!("v=0\ns={}\n", "x".repeat(MAX_LENGTH));
        assert_eq!(Text::parse(&huge).unwrap_err(), SdpError::TooLarge("bytes"));
    }
}
