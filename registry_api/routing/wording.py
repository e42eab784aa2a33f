"""What each kind of notification means, in the words that whoever picks it up reads."""

from registry_api.routing.store import Kind

MEANING = {
    Kind.CHILD_ENQUIRED_ABOUT: "Somebody asked about this child. Please follow it up with them.",
    Kind.MISSING_CHILD_ENQUIRED_ABOUT: (
        "A child who is recorded as missing has turned up in an enquiry. Speak to the enquirer and the police now."
    ),
    Kind.ENQUIRY_AT_ADDRESS: (
        "Somebody asked about a child at the address of a child on a plan whom you work with. "
        "The enquirer has not been told."
    ),
    Kind.MORE_INFORMATION_NEEDED: (
        "An enquiry could not be settled on the details given, and the enquirer was asked for more. "
        "Call them back if they do not come back to us."
    ),
    Kind.CONSIDERATION: (
        "A child who is not known has been asked about more than once. Decide whether this may be a child in need."
    ),
    Kind.CONSIDERATION_PERHAPS: (
        "A child who is not known may have been asked about before; the enquirer has not been told. Decide whether it "
        "is the same child, and whether this may be a child in need."
    ),
    Kind.TRANSFER_IN: (
        "Another authority notified that a child on its plan has moved here. A transfer-in conference has to be held."
    ),
    Kind.ALLOCATED: (
        "This child moved here while on another authority's plan. "
        "The key worker here is you, or somebody you stand in for."
    ),
    Kind.EARLIER_ENQUIRY: (
        "Somebody asked about this child before the child was on the register, and nobody was found then. "
        "Please read what they had seen or been told."
    ),
    Kind.EARLIER_ENQUIRY_PERHAPS: (
        "An enquiry that found nobody may have been about a child who has come onto the register since. Decide whether "
        "it was, and call the enquirer back if it was."
    ),
    Kind.CALL_BACK_TO_OFFER: (
        "An enquirer was told that nobody was found; the child is on the register now. Call them back, and offer them "
        "the answer that they would be given today."
    ),
    Kind.ENQUIRY_AT_FORMER_ADDRESS: (
        "Somebody asked about a child at an address where a child on a plan whom you work with was formerly, "
        "and is not recorded as living now. The enquirer has not been told."
    ),
    Kind.PERSON_AT_ADDRESS: (
        "A person who was notified as one who may pose a risk of significant harm is recorded at this child's address, "
        "or at the address that was asked about. Nobody outside Children's Services has been told."
    ),
    Kind.PERSON_FORMERLY_AT_ADDRESS: (
        "A person who was notified as one who may pose a risk of significant harm was formerly at the address that was "
        "asked about, and is not recorded as living there now. Nobody outside Children's Services has been told."
    ),
    Kind.MISUSE_ALERT: (
        "Enquiries that have been answered may be misuse of the service. Read the alert and decide what they are."
    ),
}
"""For every kind."""
