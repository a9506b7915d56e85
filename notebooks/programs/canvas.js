// A canvas to draw on with mouse, pen or finger; the model's `pixels` follow each stroke.

const WIDTH = 0.075 // of the side, of a line

function grey(context, side) {
  const rgba = context.getImageData(0, 0, side, side).data
  return new Uint8Array(side * side).map((_, i) => rgba[4 * i])
}

function render({ model, el }) {
  const side = model.get("side")
  const canvas = document.createElement("canvas")
  const clear = document.createElement("button")
  canvas.width = canvas.height = side
  canvas.style = "width: 280px; height: 280px; touch-action: none; border: 1px solid #888"
  canvas.setAttribute("role", "img")
  canvas.setAttribute("aria-label", "Draw a character here")
  clear.textContent = "Clear"
  clear.style = "display: block; margin: 6px 0"
  const context = canvas.getContext("2d", { willReadFrequently: true })

  function blank() {
    context.fillStyle = "white"
    context.fillRect(0, 0, side, side)
  }

  function place(event) {
    const box = canvas.getBoundingClientRect()
    const [across, down] = [event.clientX - box.left, event.clientY - box.top]
    return [across * side / box.width, down * side / box.height]
  }

  let drawing = false
  canvas.addEventListener("pointerdown", (event) => {
    drawing = true
    canvas.setPointerCapture(event.pointerId)
    Object.assign(context, { lineWidth: WIDTH * side, lineCap: "round", lineJoin: "round" })
    context.strokeStyle = "black"
    context.beginPath()
    context.moveTo(...place(event))
    context.lineTo(...place(event))
    context.stroke()
  })
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return
    context.lineTo(...place(event))
    context.stroke()
  })
  canvas.addEventListener("pointerup", () => {
    drawing = false
    model.set("pixels", new DataView(grey(context, side).buffer))
    model.save_changes()
  })
  clear.addEventListener("click", blank)
  blank()
  el.append(canvas, clear)
}

export default { render }
