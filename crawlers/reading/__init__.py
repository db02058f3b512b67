"""What the readers of replies share: framing of bodies, spans, citations, and the shapes several providers speak."""
