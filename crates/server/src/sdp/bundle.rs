//! Which sections flow over the one transport, and which section says where that is (RFC 9143 §7).

use std::collections::{BTreeMap, BTreeSet};

use super::SdpError;
use super::error::Place;
use super::media::Section;
use super::text::{MediaText, Text};
use super::transport::RemoteTransport;

/// A description of the other side.
#[derive(Clone, Debug)]
pub(super) struct Description {
    /// All sections in order. Those that can be used flow over one transport.
    pub(super) sections: Vec<Section>,
    /// None if no section can be used, because all are rejected.
    pub(super) transport: Option<RemoteTransport>,
    /// Whether it bundles at all, so that an answer may.
    pub(super) is_bundled: bool,
}

impl Description {
    /// # Errors
    ///
    /// It is not SDP, its transport cannot be read, or none of the sections that it means to use can
    /// be used.
    pub(super) fn parse(text: &str) -> Result<Self, SdpError> {
        let text = Text::parse(text)?;
        let mut sections = sections(&text);
        let in_use = sections.iter().filter(|section| !section.is_rejected);
        if let Some(Err(problem)) = in_use.clone().map(|section| &section.media).next()
            && in_use.clone().all(|section| section.media.is_err())
        {
            return Err(problem.clone());
        }
        let groups: Vec<Vec<&str>> = text
            .session
            .all("group")
            .filter_map(|group| group.strip_prefix("BUNDLE"))
            .map(|mids| mids.split_ascii_whitespace().collect())
            .collect();
        let members = members(&sections, &groups);
        let transport = transport(&text, &sections, &members)?;
        for (index, section) in sections.iter_mut().enumerate() {
            if section.is_usable() && !members.contains(&index) {
                section.media = Err(SdpError::NotBundled(Place::Media(index)));
            }
        }
        Ok(Self {
            sections,
            transport,
            is_bundled: !groups.is_empty(),
        })
    }
}

/// The sections, each for itself. Of two with the same mid the second cannot be used.
pub(super) fn sections(text: &Text<'_>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::with_capacity(text.media.len());
    for media in &text.media {
        let mut section = Section::parse(media, &text.session);
        let is_taken = |other: &Section| !other.mid.is_empty() && other.mid == section.mid;
        if sections.iter().any(is_taken) {
            section.media = Err(SdpError::DuplicateMid(section.mid.clone()));
        }
        sections.push(section);
    }
    sections
}

/// The sections of the first group in which there is one that we can use, in the group's order.
/// Without groups every section has a transport of its own; we have one, so the first gets it.
pub(super) fn members(sections: &[Section], groups: &[Vec<&str>]) -> Vec<usize> {
    if groups.is_empty() {
        return sections
            .iter()
            .position(Section::is_usable)
            .into_iter()
            .collect();
    }
    let mut by_mid = BTreeMap::new();
    for (index, section) in sections.iter().enumerate() {
        by_mid.entry(section.mid.as_str()).or_insert(index);
    }
    let indices = |group: &Vec<&str>| -> Vec<usize> {
        // A group may name a section often. It is a member once.
        let mut members = BTreeSet::new();
        let named = group.iter().filter_map(|mid| by_mid.get(mid).copied());
        named.filter(|index| members.insert(*index)).collect()
    };
    groups
        .iter()
        .map(indices)
        .find(|members| members.iter().any(|index| sections[*index].is_usable()))
        .unwrap_or_default()
}

/// The transport of the tagged section: the first of the group that the answerer "will not reject"
/// and that "does not contain a zero port value" (RFC 9143 §7.3.1). If the tagged section has no
/// transport attributes, they are taken from the next member of the group, even a rejected one: an
/// offerer may have left them in the section that was tagged before.
fn transport(
    text: &Text<'_>,
    sections: &[Section],
    members: &[usize],
) -> Result<Option<RemoteTransport>, SdpError> {
    let mut candidates: Vec<(usize, &MediaText<'_>)> = members
        .iter()
        .map(|index| (*index, &text.media[*index]))
        .collect();
    candidates.sort_by_cached_key(|(index, media)| {
        let section = &sections[*index];
        (!section.is_usable(), media.attributes.has("bundle-only"))
    });
    let mut problem = None;
    for (_, media) in candidates {
        match RemoteTransport::parse(&media.attributes, &text.session) {
            Ok(transport) => return Ok(Some(transport)),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    problem.map_or(Ok(None), Err)
}
