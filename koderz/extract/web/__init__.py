"""Web pages without a model: what a page says, its subject, and what answers a question.

page = build_page(html)                                   # blocks with places, and the subject
excerpt = build_page_digest(page, 1000, "how is it set?")  # at most 1,000 tokens of it
print(excerpt.text)
"""
