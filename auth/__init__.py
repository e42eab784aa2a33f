"""Who is asking, and how surely: the authorization server and the verification of what it issued.

The only package that imports authlib, joserfc or jose. Turns an access token into a ``policies.enquirer.Enquirer``.
"""
